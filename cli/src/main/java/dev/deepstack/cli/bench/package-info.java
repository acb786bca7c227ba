/// What this machine can do, and what share of it the generated kernels reach.
@NullMarked
package dev.deepstack.cli.bench;

import org.jspecify.annotations.NullMarked;
