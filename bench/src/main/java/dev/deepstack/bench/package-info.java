/// Benchmarks against other engines; built only with -Pbench.
@NullMarked
package dev.deepstack.bench;

import org.jspecify.annotations.NullMarked;
