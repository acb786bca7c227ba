/// Chooses the next token from a model's logits.
@NullMarked
package dev.deepstack.runtime.sample;

import org.jspecify.annotations.NullMarked;
