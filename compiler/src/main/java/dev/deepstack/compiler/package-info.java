/// From a model file to a program, in one method that reads like the picture.
@NullMarked
package dev.deepstack.compiler;

import org.jspecify.annotations.NullMarked;
