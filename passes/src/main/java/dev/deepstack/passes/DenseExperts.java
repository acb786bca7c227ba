package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.axisBefore;
import static dev.deepstack.passes.Patterns.is;
import static dev.deepstack.passes.Patterns.shape;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Shape;
import org.jspecify.annotations.Nullable;

/// Every expert computed for every row and most of them weighted by 0: computes the others only.
///
/// `reduce_sum(y * scatter(0, ids, gates), e) -> reduce_sum(y' * gates, k)` where `y'` is `y` of the chosen.
final class DenseExperts {
  private DenseExperts() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    Value scattered = OneHot.apply(op, to);
    return scattered != null ? scattered : switch (op) {
      case Op.ReduceSum(var x, var axes, boolean keep) when axes.size() == 1 -> {
        Support support = support(x);
        Value chosen = support == null || support.expert != axes.getFirst() ? null
            : restriction(support, to).of(x, support.row, support.expert);
        yield chosen == null ? null : to.add(new Op.ReduceSum(chosen, axes, keep));
      }
      // The weighted sum as a product of one row: [n,1,e] x [n,e,d].
      case Op.MatMul(var a, var b) when a.type().rank() == 3 && b.type().rank() == 3
          && a.type().dim(1).is(1) -> {
        Support support = support(a, 3);
        Value gates = support == null || support.expert != 2 || support.row > 0 ? null
            : restriction(support, to).of(a, support.row, 2);
        Value y = support == null || gates == null ? null : restriction(support, to).of(b, support.row, 1);
        yield gates == null || y == null ? null : to.add(new Op.MatMul(gates, y));
      }
      default -> null;
    };
  }

  private static Restriction restriction(Support s, Rewriter to) {
    return new Restriction(s.ids, s.scattered.type().dim(1), to);
  }

  /// Where a value is not 0: at the experts `ids [n,k]` of each row.
  private record Support(Value ids, Value scattered, int row, int expert) {}

  /// The support, in axes of something of the given rank that the value broadcasts to.
  private static @Nullable Support support(Value v, int rank) {
    Support s = support(v);
    int more = rank - v.type().rank();
    return s == null ? null : new Support(s.ids, s.scattered, s.row < 0 ? -1 : s.row + more, s.expert + more);
  }

  private static @Nullable Support support(Value v) {
    return switch (v.op()) {
      case Op.ScatterAlong(var zeros, var ids, var _, int axis, var _)
          when axis == 1 && v.type().rank() == 2 && is(zeros, 0)
              && ids.type().dim(0).equals(v.type().dim(0)) && isDistinct(ids) ->
          new Support(ids, v, v.type().dim(0).is(1) ? -1 : 0, 1);
      case Op.Cast(var x, var to) when x.type().dtype().isFloat() && to.isFloat() -> support(x);
      case Op.Mul(var a, var b) -> {
        Support s = support(a, v.type().rank());
        yield s == null ? support(b, v.type().rank()) : s;
      }
      case Op.Div(var a, var _) -> support(a, v.type().rank());
      case Op.Reshape(var x, var shape) -> {
        Support s = support(x);
        yield s == null ? null : moved(s, shape(x), shape);
      }
      case Op.Permute(var x, var axes) -> {
        Support s = support(x);
        yield s == null ? null
            : new Support(s.ids, s.scattered, s.row < 0 ? -1 : axes.indexOf(s.row), axes.indexOf(s.expert));
      }
      default -> null;
    };
  }

  private static @Nullable Support moved(Support s, Shape from, Shape to) {
    int row = -1;
    int expert = -1;
    for (int i = 0; i < to.rank(); i++) {
      int before = axisBefore(from, to, i);
      row = before >= 0 && before == s.row ? i : row;
      expert = before >= 0 && before == s.expert ? i : expert;
    }
    return expert < 0 || row < 0 && s.row >= 0 ? null : new Support(s.ids, s.scattered, row, expert);
  }

  /// Whether no row names an expert twice.
  private static boolean isDistinct(Value ids) {
    return ids.type().dim(-1).is(1) || switch (ids.op()) {
      case Op.TopK _ -> true;
      case Op.ArgSort _ -> true;
      case Op.Cast(var x, var _) -> x.type().dtype().isInteger() && isDistinct(x);
      case Op.Slice(var x, int axis, var _, var _, var _) -> axis == x.type().rank() - 1 && isDistinct(x);
      case Op.Reshape(var x, var s) -> x.type().rank() > 0 && s.rank() > 0
          && x.type().dim(-1).equals(s.dim(-1)) && isDistinct(x);
      default -> false;
    };
  }
}
