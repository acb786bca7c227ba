package dev.deepstack.models.graph;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.RoutingSpec;
import dev.deepstack.models.RoutingSpec.Groups;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Chooses the experts of each token and weighs them.
final class Router {
  /// @param ids i64[T,k]
  /// @param gates f32[T,k]
  record Choice(Value ids, Value gates) {}

  private final Graph g;
  private final RoutingSpec routing;
  private final int experts;

  Router(Graph g, FeedForwardSpec.Routed routed) {
    this.g = g;
    routing = routed.routing();
    experts = routed.experts();
  }

  /// From logits f32[T,experts].
  Choice choose(Value logits, @Nullable Value bias) {
    Value scores = scores(logits);
    Value choice = bias == null ? scores : g.add(new Op.Add(scores, g.cast(bias, DType.F32)));
    Groups groups = routing.groups();
    choice = groups == null ? choice : limited(choice, groups);
    Value ids = g.add(new Op.TopK(choice, routing.perToken(), true));
    Value gates = g.add(new Op.TakeAlong(scores, ids, 1));
    if (routing.score() == RoutingSpec.Score.SOFTMAX_OF_CHOSEN) {
      gates = g.add(new Op.Softmax(gates, 1));
    }
    if (routing.renormalise()) {
      Value sum = g.add(new Op.ReduceSum(gates, List.of(1), true));
      if (routing.epsilon() != 0) {
        sum = g.add(new Op.Add(sum, g.constant(routing.epsilon(), sum)));
      }
      gates = g.add(new Op.Div(gates, sum));
    }
    if (routing.scale() != 1) {
      gates = g.add(new Op.Mul(gates, g.constant(routing.scale(), gates)));
    }
    return new Choice(ids, gates);
  }

  private Value scores(Value logits) {
    return switch (routing.score()) {
      case SOFTMAX -> g.add(new Op.Softmax(logits, 1));
      case SOFTMAX_OF_CHOSEN -> logits;
      case SIGMOID -> g.add(new Op.Sigmoid(logits));
      case SQRT_SOFTPLUS -> {
        // log(1 + e^x) as max(x, 0) + log1p(e^-|x|), which does not overflow.
        Value small = g.add(new Op.Log1p(g.add(new Op.Exp(g.add(new Op.Neg(g.add(new Op.Abs(logits))))))));
        yield g.add(new Op.Sqrt(g.add(new Op.Add(g.add(new Op.Max(logits, g.constant(0, logits))), small))));
      }
    };
  }

  /// Experts outside the best groups masked.
  private Value limited(Value choice, Groups groups) {
    Dim t = choice.type().dim(0);
    Dim count = Dim.of(groups.count());
    Value grouped = g.add(new Op.Reshape(choice, Shape.of(t, count, Dim.of(experts / groups.count()))));
    Value worth = switch (groups.score()) {
      case BEST -> g.add(new Op.ReduceMax(grouped, List.of(2), false));
      case SUM_OF_BEST_TWO -> {
        Value two = g.add(new Op.TakeAlong(grouped, g.add(new Op.TopK(grouped, 2, true)), 2));
        yield g.add(new Op.ReduceSum(two, List.of(2), false));
      }
    };
    Value best = g.add(new Op.TopK(worth, groups.chosen(), true));
    Value none = g.add(new Op.Expand(g.constant(0, choice), Shape.of(t, count)));
    Value ones = g.add(new Op.Expand(g.constant(1, choice), Shape.of(t, Dim.of(groups.chosen()))));
    Value marks = g.add(new Op.ScatterAlong(none, best, ones, 1, Op.Combine.SET));
    Value open = g.add(new Op.Gt(marks, g.constant(0, marks)));
    Value stays = g.add(new Op.Reshape(open, Shape.of(t, count, Dim.ONE)));
    Value masked = g.add(new Op.Select(stays, grouped, g.constant(groups.masked(), choice)));
    return g.add(new Op.Reshape(masked, choice.type().shape()));
  }
}
