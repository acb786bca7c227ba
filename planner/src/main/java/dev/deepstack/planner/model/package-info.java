/// Decoders as the planner counts them.
@NullMarked
package dev.deepstack.planner.model;

import org.jspecify.annotations.NullMarked;
