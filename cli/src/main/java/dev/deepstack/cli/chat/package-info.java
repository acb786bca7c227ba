/// Conversations at the terminal.
@NullMarked
package dev.deepstack.cli.chat;

import org.jspecify.annotations.NullMarked;
