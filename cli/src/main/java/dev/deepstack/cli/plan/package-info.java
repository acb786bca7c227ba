/// The commands of the planner.
@NullMarked
package dev.deepstack.cli.plan;

import org.jspecify.annotations.NullMarked;
