/// The engines that are compared, the graphs they run and the watch that times them in turns.
@NullMarked
package dev.deepstack.bench.peer;

import org.jspecify.annotations.NullMarked;
