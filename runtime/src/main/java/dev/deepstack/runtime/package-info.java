/// Runs programs: memory, threads, state, sampling.
@NullMarked
package dev.deepstack.runtime;

import org.jspecify.annotations.NullMarked;
