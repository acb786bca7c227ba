/// What a step costs beside its arithmetic: tiny graphs, run by DeepStack and by its peers in one process.
@NullMarked
package dev.deepstack.bench.overhead;

import org.jspecify.annotations.NullMarked;
