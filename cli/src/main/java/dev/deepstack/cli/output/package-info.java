/// How commands answer.
@NullMarked
package dev.deepstack.cli.output;

import org.jspecify.annotations.NullMarked;
