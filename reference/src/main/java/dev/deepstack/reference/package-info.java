/// The interpreter: what every op means, in plain Java.
@NullMarked
package dev.deepstack.reference;

import org.jspecify.annotations.NullMarked;
