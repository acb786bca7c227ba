/// Time and memory of one step.
@NullMarked
package dev.deepstack.planner.cost;

import org.jspecify.annotations.NullMarked;
