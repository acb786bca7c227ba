/// Examples for readers, run by the tests so that they stay true.
@NullMarked
package dev.deepstack.examples;

import org.jspecify.annotations.NullMarked;
