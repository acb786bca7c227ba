/// Requests: queues, pools, closed loops.
@NullMarked
package dev.deepstack.planner.serve;

import org.jspecify.annotations.NullMarked;
