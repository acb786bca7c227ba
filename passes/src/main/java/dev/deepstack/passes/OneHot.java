package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Gates spread over all experts by comparing ids with `0, 1, …`:
/// `reduce_sum((ids[n,k,1] == iota[e]) * gates[n,k,1], k) -> scatter_along(0, ids, gates)`.
final class OneHot {
  private OneHot() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.ReduceSum(var x, var axes, boolean _) when x.type().rank() == 3 && axes.equals(List.of(1)) ->
          spread(op, spreading(x.op()), to);
      // A single choice needs no sum.
      case Op.Mul _, Op.Select _ -> {
        Spreading s = spreading(op);
        yield s != null && s.ids.type().dim(1).is(1) ? spread(op, s, to) : null;
      }
      default -> null;
    };
  }

  /// Ids and gates `[n,k,1]`, and how many experts there are.
  private record Spreading(Value ids, Value gates, Dim experts) {}

  private static @Nullable Value spread(Op op, @Nullable Spreading s, Rewriter to) {
    if (s == null) {
      return null;
    }
    Dim n = s.ids.type().dim(0);
    Shape table = Shape.of(n, s.ids.type().dim(1));
    Value zero = to.add(new Op.Constant(0, s.gates.type().dtype()));
    Value zeros = to.add(new Op.Expand(zero, Shape.of(n, s.experts)));
    Value spread = to.add(new Op.ScatterAlong(
        zeros, reshape(to, s.ids, table), reshape(to, s.gates, table), 1, Op.Combine.ADD));
    return reshape(to, spread, op.infer().shape());
  }

  private static @Nullable Spreading spreading(Op op) {
    return switch (op) {
      case Op.Mul(Value(Op.Cast(var hit, var _), _, _), var gates) -> spreading(hit, gates);
      case Op.Mul(var gates, Value(Op.Cast(var hit, var _), _, _)) -> spreading(hit, gates);
      case Op.Select(var hit, var gates, var zero) when is(zero, 0) -> spreading(hit, gates);
      default -> null;
    };
  }

  private static @Nullable Spreading spreading(Value hit, Value gates) {
    if (!(hit.op() instanceof Op.Eq(var ids, var iota)) || !(iota.op() instanceof Op.Iota(var experts))
        || ids.type().rank() != 3 || !ids.type().dim(2).is(1) || !shape(gates).equals(shape(ids))) {
      return null;
    }
    // A scatter must know that the ids are there; a comparison need not.
    Bounds bounds = Bounds.of(ids);
    boolean inside = bounds != null && experts.isConstant()
        && bounds.min() >= 0 && bounds.max() < experts.constant();
    return inside ? new Spreading(ids, gates, experts) : null;
  }
}
