/// From a conversation to the text a model continues, and from what it writes to answer, reasoning and calls of
/// tools.
@NullMarked
package dev.deepstack.text.chat;

import org.jspecify.annotations.NullMarked;
