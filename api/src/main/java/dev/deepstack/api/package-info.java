/// What a Java program calls: load a model, run it, generate text.
@NullMarked
package dev.deepstack.api;

import org.jspecify.annotations.NullMarked;
