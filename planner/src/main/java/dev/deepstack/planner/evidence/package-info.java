/// Published points, calibration and scoring.
@NullMarked
package dev.deepstack.planner.evidence;

import org.jspecify.annotations.NullMarked;
