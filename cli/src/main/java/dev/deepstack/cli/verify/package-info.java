/// Replays recorded calls of a model on an engine and compares.
@NullMarked
package dev.deepstack.cli.verify;

import org.jspecify.annotations.NullMarked;
