package dev.deepstack.models.graph;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.models.ActivationSpec;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.List;

/// The second half of a layer: one gated layer, or a few of many.
final class FeedForwardGraph {
  private final Graph g;
  private final StoredWeights weights;

  FeedForwardGraph(Graph g, StoredWeights weights) {
    this.g = g;
    this.weights = weights;
  }

  /// x `[T,hidden]` to `[T,hidden]`.
  Value layer(String at, FeedForwardSpec feedForward, Value x) {
    return switch (feedForward) {
      case FeedForwardSpec.Dense(_, boolean bias, ActivationSpec activation) -> gated(at, x, activation, bias);
      case FeedForwardSpec.Routed r -> routed(at, x, r);
    };
  }

  private Value gated(String at, Value x, ActivationSpec activation, boolean bias) {
    if (!bias && activation instanceof ActivationSpec.Gated(Op.Activation function)) {
      return g.add(new Op.GatedMlp(x, weights.matrix(at + "gate_proj.weight"), weights.matrix(at + "up_proj.weight"),
          weights.matrix(at + "down_proj.weight"), function));
    }
    Value hidden = activate(activation, weights.linear(x, at + "gate_proj"), weights.linear(x, at + "up_proj"));
    return weights.linear(hidden, at + "down_proj");
  }

  private Value routed(String at, Value x, FeedForwardSpec.Routed r) {
    var router = new Router(g, r);
    Value logits = g.add(new Op.Linear(x, weights.matrix(at + "gate.weight"), weights.bias(at + "gate.bias")));
    Router.Choice choice = router.choose(logits, weights.bias(at + "gate.e_score_correction_bias"));
    Value y = experts(at + "experts.", x, r, choice);
    if (r.shared() == null) {
      return y;
    }
    Value shared = gated(at + "shared_experts.", x, r.activation(), r.shared().bias());
    if (r.shared().gated()) {
      Value open = g.add(new Op.Linear(x, weights.matrix(at + "shared_expert_gate.weight"), null));
      shared = g.add(new Op.Mul(g.add(new Op.Sigmoid(open)), shared));
    }
    return g.add(new Op.Add(y, shared));
  }

  private Value experts(String at, Value x, FeedForwardSpec.Routed r, Router.Choice choice) {
    String gate = at + "*.gate_proj.weight";
    String up = at + "*.up_proj.weight";
    Value down = weights.matrix(at + "*.down_proj.weight");
    if (!r.bias() && r.activation() instanceof ActivationSpec.Gated(Op.Activation function)
        && weights.alike(gate, up)) {
      return g.add(new Op.RoutedExperts(x, choice.ids(), choice.gates(), weights.stacked(gate, up), down, function));
    }
    Value hidden = activate(r.activation(), expert(x, gate, at + "gate_proj.bias", choice),
        expert(x, up, at + "up_proj.bias", choice));
    Value y = expert(hidden, at + "*.down_proj.weight", at + "down_proj.bias", choice);
    var shape = choice.gates().type().shape();
    Value column = g.add(new Op.Reshape(choice.gates(), Shape.of(shape.dim(0), shape.dim(1), Dim.ONE)));
    return g.add(new Op.ReduceSum(g.add(new Op.Mul(y, column)), List.of(1), false));
  }

  /// `[T,k,out]`.
  private Value expert(Value x, String weight, String bias, Router.Choice choice) {
    Value y = g.add(new Op.RoutedLinear(x, weights.matrix(weight), choice.ids()));
    Value b = weights.bias(bias);
    return b == null ? y : g.add(new Op.Add(y, g.cast(g.add(new Op.Gather(b, choice.ids(), 0)), DType.F32)));
  }

  private Value activate(ActivationSpec activation, Value gate, Value up) {
    return switch (activation) {
      case ActivationSpec.Gated(Op.Activation function) -> g.add(new Op.Mul(g.activation(function, gate), up));
      case ActivationSpec.ClampedSilu(double limit) ->
          g.add(new Op.Mul(g.add(new Op.Silu(below(gate, limit))), within(up, limit)));
      case ActivationSpec.SwiGluPlusOne(double alpha, double limit) -> {
        Value low = below(gate, limit);
        Value open = g.add(new Op.Sigmoid(g.add(new Op.Mul(low, g.constant(alpha, low)))));
        Value swish = g.add(new Op.Mul(low, open));
        yield g.add(new Op.Mul(g.add(new Op.Add(within(up, limit), g.constant(1, up))), swish));
      }
    };
  }

  private Value below(Value x, double limit) {
    return g.add(new Op.Min(x, g.constant(limit, x)));
  }

  private Value within(Value x, double limit) {
    return g.add(new Op.Max(below(x, limit), g.constant(-limit, x)));
  }
}
