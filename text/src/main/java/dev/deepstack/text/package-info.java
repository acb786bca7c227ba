/// Tokenizer, chat templates, incremental detokenising.
@NullMarked
package dev.deepstack.text;

import org.jspecify.annotations.NullMarked;
