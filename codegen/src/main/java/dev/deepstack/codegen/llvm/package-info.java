/// Tile IR to machine code of this computer, through LLVM.
@NullMarked
package dev.deepstack.codegen.llvm;

import org.jspecify.annotations.NullMarked;
