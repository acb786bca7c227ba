/// Decoders as graph IR.
@NullMarked
package dev.deepstack.models.graph;

import org.jspecify.annotations.NullMarked;
