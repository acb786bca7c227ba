package dev.deepstack.importer.aten;

import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A loop while it is written: what it carries, what it reads, and its body as a graph of its own.
final class LoopBuilder {
  /// Adds to the body.
  final Emit e;
  private final Emit outside;
  private final String counter;
  private final List<Value> initial = new ArrayList<>();
  private final List<Value> next = new ArrayList<>();
  private final List<Value> outs = new ArrayList<>();
  private final List<Value> given = new ArrayList<>();
  private final Map<Value, Value> inside = new HashMap<>();

  LoopBuilder(Emit outside) {
    this.outside = outside;
    var graph = new Graph();
    outside.graph().symbols().forEach(graph::symbol);
    counter = outside.counter();
    graph.symbol(counter, new DimRange(0, Long.MAX_VALUE));
    e = outside.in(graph);
  }

  /// Which time it is, from 0.
  Dim counter() {
    return Dim.symbol(counter);
  }

  /// Carries one more value, and gives what it is inside.
  Value carry(Value first) {
    initial.add(first);
    return e.graph().input(Body.carry(initial.size() - 1), first.type());
  }

  /// A value of the graph around as the body sees it. What is known before the call is named again inside, where a
  /// target can lay it out as the body's layers want it.
  Value given(Value outer) {
    Value known = inside.get(outer);
    if (known == null) {
      known = sink(outer);
      if (known == null) {
        given.add(outer);
        known = e.graph().input(Body.given(given.size() - 1), outer.type());
      }
      inside.put(outer, known);
    }
    return known;
  }

  private @Nullable Value sink(Value outer) {
    return switch (outer.op()) {
      case Op.Weight _, Op.Constant _ -> e.of(outer.op());
      case Op.View view -> rebuilt(view, view.x());
      case Op.Cast cast -> rebuilt(cast, cast.x());
      default -> null;
    };
  }

  private @Nullable Value rebuilt(Op op, Value operand) {
    Value x = sink(operand);
    return x == null ? null : e.of(OpSchema.map(op, _ -> x));
  }

  /// Element `index` of the first axis of a value of the graph around.
  Value element(Value outer, Dim index) {
    Value all = given(outer);
    return e.reshape(e.slice(all, 0, index, Dim.ONE, 1), all.type().shape().without(0));
  }

  /// Sets the next value of what is carried, in the order of [#carry].
  void next(Value value) {
    next.add(e.as(value, initial.get(next.size()).type()));
  }

  /// Gives a value every time, to be stacked.
  void out(Value value) {
    outs.add(value);
  }

  /// Adds the loop.
  ///
  /// @param trips null for as long as the first carried value is true
  /// @return the last carried values, then the stacks
  List<Value> close(@Nullable Dim trips) {
    for (int i = 0; i < next.size(); i++) {
      e.graph().result(Body.carry(i), next.get(i));
    }
    for (int i = 0; i < outs.size(); i++) {
      e.graph().result(Body.out(i), outs.get(i));
    }
    var body = new Body(LiveGraph.of(e.graph()), counter, trips);
    var results = new ArrayList<Value>();
    for (int i = 0; i < next.size() + outs.size(); i++) {
      results.add(outside.of(new Op.Loop(initial, given, body, i)));
    }
    return results;
  }
}
