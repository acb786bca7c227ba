/// Weights in the form kernels read them.
@NullMarked
package dev.deepstack.program.weight;

import org.jspecify.annotations.NullMarked;
