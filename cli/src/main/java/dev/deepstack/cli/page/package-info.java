/// A model as one page: its graphs, kernels and memory.
@NullMarked
package dev.deepstack.cli.page;

import org.jspecify.annotations.NullMarked;
