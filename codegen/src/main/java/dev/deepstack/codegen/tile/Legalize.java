package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.HashMap;
import java.util.Map;

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

  private static boolean isComputed(Value x) {
    DType dtype = x.type().dtype();
    return dtype == DType.F32 || dtype == DType.BF16 || dtype == DType.F16;
  }

  private static Graph once(Graph old) {
    var graph = new Graph();
    old.symbols().forEach(graph::symbol);
    Map<Value, Value> map = new HashMap<>();
    for (Value v : old.values()) {
      Op op = OpSchema.map(v.op(), map::get);
      map.put(v, switch (op) {
        case Op.Linear l when l.bias() != null && isLegal(new Op.Linear(l.x(), l.w(), null)) -> {
          Value y = graph.add(new Op.Linear(l.x(), l.w(), null));
          yield graph.add(new Op.Add(y, graph.cast(l.bias(), y.type().dtype())));
        }
        case Op.Composite c when !isLegal(c) -> c.expand(graph);
        default -> graph.add(op);
      });
    }
    for (Graph.Output o : old.outputs()) {
      Value v = java.util.Objects.requireNonNull(map.get(o.value()));
      switch (o) {
        case Graph.Result r -> graph.result(r.name(), v);
        case Graph.Update u -> graph.update(u.name(), v);
      }
    }
    return graph;
  }
}
