/// Training.
@NullMarked
package dev.deepstack.planner.train;

import org.jspecify.annotations.NullMarked;
