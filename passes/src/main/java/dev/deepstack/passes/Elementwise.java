package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.prependsUnits;
import static dev.deepstack.passes.Patterns.shape;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Shapes;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Element-wise ops broadcast by themselves and do not care about shapes, so views move behind them:
/// `add(expand(x), y) -> add(x, y)`, `exp(expand(x)) -> expand(exp(x))`, `exp(reshape(x)) ->
/// reshape(exp(x))`. That leaves views next to the ops that need them, where they meet and cancel.
final class Elementwise {
  private Elementwise() {}

  static boolean is(Op op) {
    return switch (op) {
      case Op.CumSum _ -> false;
      case Op.Unary _, Op.Binary _, Op.Select _, Op.Cast _, Op.Silu _, Op.Gelu _ -> true;
      default -> false;
    };
  }

  static @Nullable Value apply(Op op, Rewriter to) {
    boolean isWidenedWeight = op instanceof Op.Cast(var x, var _) && Patterns.isWeight(x);
    if (!is(op) || isWidenedWeight) {
      return null;
    }
    List<Value> operands = OpSchema.operands(op);
    Shape shape = op.infer().shape();
    Value value = unexpanded(op, operands, shape, to);
    if (value == null) {
      value = expandLater(op, operands, shape, to);
    }
    return value == null ? reshapeLater(op, operands, shape, to) : value;
  }

  /// Drops an expand, or a reshape that only puts 1s in front or takes them away, where broadcasting does it.
  private static @Nullable Value unexpanded(Op op, List<Value> operands, Shape shape, Rewriter to) {
    for (int i = 0; i < operands.size(); i++) {
      Value inner = switch (operands.get(i).op()) {
        case Op.Expand(var x, var _) -> x;
        case Op.Reshape(var x, var s) when prependsUnits(shape(x), s) || prependsUnits(s, shape(x)) -> x;
        default -> null;
      };
      if (inner != null) {
        var without = new ArrayList<>(operands);
        without.set(i, inner);
        if (shape.equals(broadcast(without))) {
          return to.add(with(op, without));
        }
      }
    }
    return null;
  }

  private static @Nullable Shape broadcast(List<Value> values) {
    Shape shape = Shape.SCALAR;
    for (Value v : values) {
      shape = Shapes.broadcast(shape, shape(v));
      if (shape == null) {
        return null;
      }
    }
    return shape;
  }

  private static @Nullable Value expandLater(Op op, List<Value> operands, Shape shape, Rewriter to) {
    var inner = new ArrayList<Value>();
    boolean any = false;
    for (Value v : operands) {
      if (v.op() instanceof Op.Expand(var x, var _)) {
        inner.add(x);
        any = true;
      } else if (v.type().rank() == 0) {
        inner.add(v);
      } else {
        return null;
      }
    }
    return any ? to.add(new Op.Expand(to.add(with(op, inner)), shape)) : null;
  }

  /// Operands that were not reshaped so must look the same before, like vectors along axes that stayed, or
  /// have been reshaped to broadcast.
  private static @Nullable Value reshapeLater(Op op, List<Value> operands, Shape shape, Rewriter to) {
    Shape before = null;
    for (Value v : operands) {
      if (v.op() instanceof Op.Reshape(var x, var s) && s.equals(shape)) {
        if (before != null && !before.equals(shape(x))) {
          return null;
        }
        before = shape(x);
      }
    }
    if (before == null) {
      return null;
    }
    var inner = new ArrayList<Value>();
    for (Value v : operands) {
      if (v.op() instanceof Op.Reshape(var x, var s) && s.equals(shape)) {
        inner.add(x);
      } else if (v.type().rank() <= tail(before, shape)) {
        inner.add(v);
      } else {
        Shape s = v.op() instanceof Op.Reshape ? broadcastsBefore(shape(v), before, shape) : null;
        if (s == null) {
          return null;
        }
        inner.add(Patterns.reshape(to, v, s));
      }
    }
    return to.add(new Op.Reshape(to.add(with(op, inner)), shape));
  }

  /// The shape that broadcasts to `before` as `s` does to `after`: the same but for 1s in the axes that
  /// stayed.
  private static @Nullable Shape broadcastsBefore(Shape s, Shape before, Shape after) {
    int tail = tail(before, after);
    int head = after.rank() - tail;
    if (s.rank() != after.rank() || !s.dims().subList(0, head).equals(after.dims().subList(0, head))) {
      return null;
    }
    var dims = new ArrayList<>(before.dims().subList(0, before.rank() - tail));
    dims.addAll(s.dims().subList(head, s.rank()));
    return new Shape(dims);
  }

  /// How many last axes two shapes share.
  private static int tail(Shape a, Shape b) {
    int n = 0;
    while (n < Math.min(a.rank(), b.rank()) && a.dim(-1 - n).equals(b.dim(-1 - n))) {
      n++;
    }
    return n;
  }

  static Op with(Op op, List<Value> operands) {
    var rest = new ArrayList<>(operands);
    UnaryOperator<Value> next = _ -> rest.removeFirst();
    return OpSchema.map(op, next);
  }
}
