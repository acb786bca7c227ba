package dev.deepstack.ir;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;

/// Replaces composites by their definition: `silu %0` → `sigmoid %0` and `mul %0, %1`.
public final class ExpandComposites {
  private ExpandComposites() {}

  /// The graph with primitives only.
  public static Graph expand(Graph graph) {
    return expand(graph, _ -> true);
  }

  /// The graph without the composites that `chosen` names, also those that come up inside others.
  public static Graph expand(Graph graph, Predicate<Op.Composite> chosen) {
    Graph current = Body.map(graph, body -> body.with(expand(body.graph(), chosen)));
    while (current.ops(Op.Composite.class).stream().anyMatch(chosen)) {
      current = once(current, chosen);
    }
    return current;
  }

  private static Graph once(Graph graph, Predicate<Op.Composite> chosen) {
    var result = new Graph();
    graph.symbols().forEach(result::symbol);
    List<Value> copies = new ArrayList<>();
    for (Value value : graph.values()) {
      Op op = OpSchema.map(value.op(), operand -> copies.get(operand.id()));
      copies.add(op instanceof Op.Composite c && chosen.test(c) ? c.expand(result) : result.add(op));
    }
    for (Graph.Output output : graph.outputs()) {
      result.output(output.with(copies.get(output.value().id())));
    }
    return result;
  }
}
