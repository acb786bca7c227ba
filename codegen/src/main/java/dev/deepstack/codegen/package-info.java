/// Graph IR to tile IR to machine code.
@NullMarked
package dev.deepstack.codegen;

import org.jspecify.annotations.NullMarked;
