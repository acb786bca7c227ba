package dev.deepstack.passes;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import org.jspecify.annotations.Nullable;

/// An equation read from left to right. The right side is never worse than the left.
@FunctionalInterface
interface Rule {
  /// A value equal to that of `op` made by other ops of `to`, or null when the rule does not fire. The
  /// operands of `op` are values of `to` and simplified already; ops the rule adds are simplified in turn.
  @Nullable Value apply(Op op, Rewriter to);
}
