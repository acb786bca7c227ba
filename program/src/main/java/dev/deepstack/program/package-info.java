/// The compiled artifact: entry points, kernels, buffer plan; its file form `.dsp`.
@NullMarked
package dev.deepstack.program;

import org.jspecify.annotations.NullMarked;
