package dev.deepstack.passes;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Rebuilds a graph from its sources to its outputs and applies rules to each op on the way. Values nobody
/// needs are left behind, except inputs and states: they are the signature.
final class Rewriter {
  private static final int ROUNDS_MAX = 8;
  private static final int DEPTH_MAX = 500;

  private final Graph graph = new Graph();
  private final List<Rule> rules;
  private final Map<Value, Integer> uses = new HashMap<>();
  private int depth;

  private Rewriter(List<Rule> rules) {
    this.rules = rules;
  }

  /// Sweeps until a sweep changes nothing.
  static Graph rewrite(Graph from, List<Rule> rules) {
    Graph before = sweep(from, List.of());
    for (int round = 0; round < ROUNDS_MAX; round++) {
      Graph after = sweep(sweep(before, rules), List.of());
      if (same(before, after)) {
        return after;
      }
      before = after;
    }
    return before;
  }

  private static boolean same(Graph a, Graph b) {
    return a.values().stream().map(Value::op).toList().equals(b.values().stream().map(Value::op).toList())
        && a.outputs().equals(b.outputs());
  }

  private static Graph sweep(Graph from, List<Rule> rules) {
    var rewriter = new Rewriter(rules);
    rewriter.run(from);
    return rewriter.graph;
  }

  private void run(Graph from) {
    from.symbols().forEach(graph::symbol);
    Set<Value> live = live(from);
    Map<Value, Integer> usesBefore = uses(from, live);
    var images = new HashMap<Value, Value>();
    for (Value old : from.values()) {
      if (live.contains(old)) {
        Value image = add(OpSchema.map(old.op(), v -> image(images, v)));
        images.put(old, image);
        uses.merge(image, usesBefore.getOrDefault(old, 0), Integer::sum);
      }
    }
    for (Graph.Output output : from.outputs()) {
      graph.output(output.with(image(images, output.value())));
    }
  }

  private static Value image(Map<Value, Value> images, Value old) {
    Value image = images.get(old);
    if (image == null) {
      throw new IrException("operand " + old + " comes later than its use");
    }
    return image;
  }

  static Set<Value> live(Graph graph) {
    var live = new HashSet<Value>();
    graph.outputs().forEach(o -> live.add(o.value()));
    for (Value value : graph.values().reversed()) {
      if (value.op() instanceof Op.Input || value.op() instanceof Op.State) {
        live.add(value);
      }
      if (live.contains(value)) {
        live.addAll(OpSchema.operands(value.op()));
      }
    }
    return live;
  }

  /// How often a value is an operand or an output.
  static Map<Value, Integer> uses(Graph graph, Set<Value> live) {
    var uses = new HashMap<Value, Integer>();
    for (Value value : graph.values()) {
      if (live.contains(value)) {
        OpSchema.operands(value.op()).forEach(v -> uses.merge(v, 1, Integer::sum));
      }
    }
    graph.outputs().forEach(o -> uses.merge(o.value(), 1, Integer::sum));
    return uses;
  }

  /// Adds an op in its simplest form.
  Value add(Op op) {
    if (++depth > DEPTH_MAX) {
      throw new IrException("the rules do not come to an end at " + OpSchema.name(op));
    }
    try {
      for (Rule rule : rules) {
        Value value = rule.apply(op, this);
        if (value != null) {
          if (!value.type().equals(op.infer())) {
            throw new IrException("a rule made " + value.type() + " of " + op.infer() + " at " + op);
          }
          return value;
        }
      }
      return graph.add(op);
    } finally {
      depth--;
    }
  }

  /// Whether nothing but the op at hand reads the value. A value that a rule made has no other reader.
  boolean isSingleUse(Value value) {
    return uses.getOrDefault(value, 0) <= 1;
  }
}
