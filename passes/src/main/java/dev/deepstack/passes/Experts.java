package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.cast;
import static dev.deepstack.passes.Patterns.leading;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.uncast;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import org.jspecify.annotations.Nullable;

/// Two routed linear layers with a gate between and a weighted sum behind are `routed_experts`.
///
/// Rounding to narrower floats on the way is left out, so results may be more exact than the program's.
final class Experts {
  private Experts() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.ReduceSum(var x, var axes, boolean _)
          when axes.size() == 1 && axes.getFirst() == x.type().rank() - 2
              && uncast(x).op() instanceof Op.Mul(var a, var b) -> {
        Value value = weighted(op, a, b, to);
        yield value == null ? weighted(op, b, a, to) : value;
      }
      // The sum as a product of the gates as a row with the results.
      case Op.MatMul(var gates, var y) when gates.type().rank() >= 2 && gates.type().dim(-2).is(1) ->
          experts(op, y, gates, to);
      default -> null;
    };
  }

  private static @Nullable Value weighted(Op op, Value y, Value gates, Rewriter to) {
    Shape s = shape(y);
    boolean perChoice = gates.type().rank() == s.rank() && gates.type().dim(-1).is(1)
        && leading(shape(gates), 1).equals(leading(s, 1));
    return perChoice ? experts(op, y, gates, to) : null;
  }

  private static @Nullable Value experts(Op op, Value y, Value gates, Rewriter to) {
    if (!(routed(y) instanceof Op.RoutedLinear(var hidden, var down, var ids)) || !keepsChoices(shape(y), ids)
        || !shape(gates).elements().equals(shape(ids).elements())) {
      return null;
    }
    Value inner = uncast(hidden);
    if (!(inner.op() instanceof Op.Mul(var a, var b))) {
      return null;
    }
    Halves halves = halves(a, b);
    halves = halves == null ? halves(b, a) : halves;
    if (halves == null || !halves.both.ids().equals(ids) || halves.both.x().type().rank() != 2) {
      return null;
    }
    DType dtype = op.infer().dtype();
    Value x = halves.both.x();
    x = uncast(x).type().dtype() == dtype ? uncast(x) : cast(to, x, dtype);
    Value weights = cast(to, reshape(to, uncast(gates), shape(ids)), dtype);
    Value sum = to.add(new Op.RoutedExperts(x, ids, weights, halves.both.w(), down, halves.activation));
    return reshape(to, sum, op.infer().shape());
  }

  /// Seen through casts and a reshape of the rows.
  private static @Nullable Op routed(Value y) {
    Value v = uncast(y);
    v = v.op() instanceof Op.Reshape(var x, var _) ? uncast(x) : v;
    return v.op() instanceof Op.RoutedLinear r ? r : null;
  }

  /// Whether the last axes are still the choices of a row and the features.
  private static boolean keepsChoices(Shape y, Value ids) {
    Dim k = ids.type().dim(1);
    return y.rank() >= 2 && y.dim(-2).equals(k)
        && new Shape(leading(y, 2)).elements().equals(ids.type().dim(0));
  }

  private record Halves(Op.RoutedLinear both, Op.Activation activation) {}

  /// `act(r[…, :f]) * r[…, f:]`.
  private static @Nullable Halves halves(Value activated, Value upped) {
    GatedMlps.Activated act = GatedMlps.activated(uncast(activated));
    if (act == null || !(uncast(act.x()).op() instanceof Op.Slice gate)
        || !(uncast(upped).op() instanceof Op.Slice up)
        || !gate.x().equals(up.x()) || !(uncast(gate.x()).op() instanceof Op.RoutedLinear both)) {
      return null;
    }
    TensorType type = gate.x().type();
    Dim f = gate.size();
    boolean ordered = gate.axis() == 2 && up.axis() == 2 && gate.step() == 1 && up.step() == 1
        && gate.start().is(0) && up.start().equals(f) && up.size().equals(f)
        && f.times(2).equals(type.dim(2));
    return ordered ? new Halves(both, act.activation()) : null;
  }
}
