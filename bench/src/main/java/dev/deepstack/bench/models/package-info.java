/// Whole models in real sizes, run by DeepStack and by its peers in one process.
@NullMarked
package dev.deepstack.bench.models;

import org.jspecify.annotations.NullMarked;
