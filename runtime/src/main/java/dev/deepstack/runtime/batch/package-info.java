/// Several sequences in one step: prompts in chunks, answers token by token, pages taken and given back.
@NullMarked
package dev.deepstack.runtime.batch;

import org.jspecify.annotations.NullMarked;
