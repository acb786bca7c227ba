package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Rewrites a graph into what kernels exist for: composites without a kernel of their own become the ops they are
/// defined by, and a bias becomes an addition that fuses like any other.
final class Legalize {
  private Legalize() {}

  static Graph run(Graph graph) {
    Graph legal = graph;
    while (legal.values().stream().anyMatch(v -> !isLegal(v.op()))) {
      legal = once(legal);
    }
    return legal;
  }

  /// Whether code generation takes the op as it is.
  private static boolean isLegal(Op op) {
    return switch (op) {
      case Op.Primitive _ -> true;
      case Op.Linear l -> l.bias() == null && isComputed(l.x()) && WeightFolding.isFoldable(l.w());
      case Op.RoutedLinear r -> isComputed(r.x()) && WeightFolding.isFoldable(r.w());
      case Op.Attention a -> isComputed(a.q());
      case Op.Composite _ -> false;
    };
  }

  /// The kernels accumulate and take their operands in f32.
  private static boolean isComputed(Value x) {
    return x.type().dtype() == DType.F32;
  }

  private static boolean isNarrow(Value x) {
    return x.type().dtype() == DType.BF16 || x.type().dtype() == DType.F16;
  }

  private static @Nullable Value widen(Graph graph, @Nullable Value bias) {
    return bias == null ? null : graph.cast(bias, DType.F32);
  }

  private static Graph once(Graph old) {
    var graph = new Graph();
    old.symbols().forEach(graph::symbol);
    Map<Value, Value> map = new HashMap<>();
    for (Value v : old.values()) {
      Op op = OpSchema.map(v.op(), x -> Objects.requireNonNull(map.get(x)));
      map.put(v, switch (op) {
        case Op.Linear l when isNarrow(l.x()) -> graph.cast(
            graph.add(new Op.Linear(graph.cast(l.x(), DType.F32), l.w(), widen(graph, l.bias()))), v.type().dtype());
        case Op.RoutedLinear r when isNarrow(r.x()) -> graph.cast(
            graph.add(new Op.RoutedLinear(graph.cast(r.x(), DType.F32), r.w(), r.ids())), v.type().dtype());
        case Op.Attention a when isNarrow(a.q()) -> graph.cast(graph.add(new Op.Attention(
            graph.cast(a.q(), DType.F32), graph.cast(a.k(), DType.F32), graph.cast(a.v(), DType.F32), a.mask(),
            a.scale(), a.causal())), v.type().dtype());
        case Op.Linear l when l.bias() != null && isLegal(new Op.Linear(l.x(), l.w(), null)) -> {
          Value y = graph.add(new Op.Linear(l.x(), l.w(), null));
          yield graph.add(new Op.Add(y, graph.cast(l.bias(), y.type().dtype())));
        }
        case Op.Composite c when !isLegal(c) -> c.expand(graph);
        default -> graph.add(op);
      });
    }
    for (Graph.Output o : old.outputs()) {
      Value v = Objects.requireNonNull(map.get(o.value()));
      switch (o) {
        case Graph.Result r -> graph.result(r.name(), v);
        case Graph.Update u -> graph.update(u.name(), v);
      }
    }
    return graph;
  }
}
