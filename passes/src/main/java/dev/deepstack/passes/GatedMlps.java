package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import org.jspecify.annotations.Nullable;

/// `linear(act(linear(x, gate)) * linear(x, up), down) -> gated_mlp(x, gate, up, down)` where nothing else
/// reads what is between.
final class GatedMlps {
  private GatedMlps() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    if (!(op instanceof Op.Linear(var hidden, var down, var none)) || none != null
        || !(hidden.op() instanceof Op.Mul(var a, var b)) || !to.isSingleUse(hidden)) {
      return null;
    }
    Value value = gated(a, b, down, to);
    return value == null ? gated(b, a, down, to) : value;
  }

  private static @Nullable Value gated(Value activated, Value upped, Value down, Rewriter to) {
    Activated act = activated(activated);
    Projection gate = act == null || !to.isSingleUse(activated) ? null : projection(act.x, to);
    Projection up = projection(upped, to);
    if (act == null || gate == null || up == null || !gate.x.equals(up.x)) {
      return null;
    }
    return to.add(new Op.GatedMlp(gate.x, gate.weight, up.weight, down, act.activation));
  }

  /// A nonlinearity and what it is applied to.
  record Activated(Op.Activation activation, Value x) {}

  static @Nullable Activated activated(Value v) {
    return switch (v.op()) {
      case Op.Silu(var x) -> new Activated(Op.Activation.SILU, x);
      case Op.Gelu(var x, var tanh) -> new Activated(tanh ? Op.Activation.GELU_TANH : Op.Activation.GELU, x);
      case Op.Max(var x, var zero) when is(zero, 0) -> new Activated(Op.Activation.RELU, x);
      case Op.Sigmoid(var x) -> new Activated(Op.Activation.SIGMOID, x);
      default -> null;
    };
  }

  private record Projection(Value x, Value weight) {}

  /// A linear layer without bias, or a part of a merged one.
  private static @Nullable Projection projection(Value v, Rewriter to) {
    if (!to.isSingleUse(v)) {
      return null;
    }
    return switch (v.op()) {
      case Op.Linear(var x, var w, var bias) when bias == null -> new Projection(x, w);
      case Op.Slice(Value(Op.Linear(var x, var w, var bias), var type, _), int axis, Dim start, Dim size,
          long step)
          when bias == null && axis == type.rank() - 1 ->
          new Projection(x, to.add(new Op.Slice(w, 0, start, size, step)));
      default -> null;
    };
  }
}
