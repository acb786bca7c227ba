package dev.deepstack.importer.aten;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import java.util.BitSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Leaves out what no output needs.
final class LiveGraph {
  private LiveGraph() {}

  /// The same graph without dead values; inputs stay, since they are what a caller passes, and so do states.
  static Graph of(Graph graph) {
    List<Value> values = graph.values();
    var live = new BitSet();
    graph.outputs().forEach(o -> live.set(o.value().id()));
    for (int i = values.size() - 1; i >= 0; i--) {
      Op op = values.get(i).op();
      if (op instanceof Op.Input || op instanceof Op.State) {
        live.set(i);
      }
      if (live.get(i)) {
        OpSchema.operands(op).forEach(v -> live.set(v.id()));
      }
    }
    var result = new Graph();
    Set<String> used = symbols(values, live);
    graph.outputs().stream().filter(Graph.Bind.class::isInstance).forEach(o -> used.add(o.name()));
    graph.symbols().forEach((name, range) -> {
      if (used.contains(name)) {
        result.symbol(name, range);
      }
    });
    Map<Value, Value> moved = new HashMap<>();
    for (Value value : values) {
      if (live.get(value.id())) {
        moved.put(value, result.add(OpSchema.map(value.op(), v -> get(moved, v))));
      }
    }
    for (Graph.Output output : graph.outputs()) {
      result.output(output.with(get(moved, output.value())));
    }
    return result;
  }

  private static Set<String> symbols(List<Value> values, BitSet live) {
    var used = new HashSet<String>();
    for (Value value : values) {
      if (live.get(value.id())) {
        value.type().shape().dims().forEach(d -> used.addAll(d.symbols()));
        switch (value.op()) {
          case Op.DimValue(var dim) -> used.addAll(dim.symbols());
          case Op.Slice(var _, int _, var start, var _, long _) -> used.addAll(start.symbols());
          case Op.Loop loop -> used.addAll(loop.body().graph().symbols().keySet());
          default -> { }
        }
      }
    }
    return used;
  }

  private static Value get(Map<Value, Value> moved, Value value) {
    return java.util.Objects.requireNonNull(moved.get(value));
  }
}
