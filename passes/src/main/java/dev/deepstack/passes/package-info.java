/// Graph to graph: the rewrites, and the pipeline that states their order.
@NullMarked
package dev.deepstack.passes;

import org.jspecify.annotations.NullMarked;
