/// How much memory a model needs, and how much there is.
@NullMarked
package dev.deepstack.runtime.memory;

import org.jspecify.annotations.NullMarked;
