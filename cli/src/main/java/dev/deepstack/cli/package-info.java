/// The command line; the only place that wires everything.
@NullMarked
package dev.deepstack.cli;

import org.jspecify.annotations.NullMarked;
