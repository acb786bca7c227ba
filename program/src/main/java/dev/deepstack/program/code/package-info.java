/// Machine code on the run side: what the CPU can do, loading relocatable objects without a
/// compiler, and the cache of objects on disk. Nothing here needs LLVM.
@NullMarked
package dev.deepstack.program.code;

import org.jspecify.annotations.NullMarked;
