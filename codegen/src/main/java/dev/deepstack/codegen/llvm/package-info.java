/// From kernels to machine code: textual LLVM IR ([Fn], [ModuleText]), its compilation through
/// libLLVM ([LlvmCompiler]), vector mathematics ([MathLib]) and the matrix kernels
/// ([LinearKernel]).
@NullMarked
package dev.deepstack.codegen.llvm;

import org.jspecify.annotations.NullMarked;
