/// Plans for models on hardware: the face of the planner.
@NullMarked
package dev.deepstack.planner;

import org.jspecify.annotations.NullMarked;
