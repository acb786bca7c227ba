package dev.deepstack.compiler;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.HashSet;
import java.util.OptionalLong;
import java.util.Set;

/// How many tokens a model's caches hold: the extent of the axis along which positions are scattered into states.
final class Context {
  private Context() {}

  /// The smallest such extent; 0 when nothing is scattered into a state at places the caller gives.
  static long of(Graph graph) {
    OptionalLong least = graph.values().stream().map(Value::op)
        .filter(Op.Scatter.class::isInstance).map(Op.Scatter.class::cast)
        .filter(s -> isState(s.x()) && dependsOnInput(s.indices(), new HashSet<>()))
        .map(s -> s.x().type().dim(s.axis())).filter(Dim::isConstant).mapToLong(Dim::constant).min();
    return least.orElse(0);
  }

  private static boolean isState(Value v) {
    return switch (v.op()) {
      case Op.State _ -> true;
      case Op.Scatter s -> isState(s.x());
      case Op.View view -> isState(view.x());
      default -> false;
    };
  }

  private static boolean dependsOnInput(Value v, Set<Value> seen) {
    return seen.add(v) && (v.op() instanceof Op.Input
        || OpSchema.operands(v.op()).stream().anyMatch(o -> dependsOnInput(o, seen)));
  }
}
