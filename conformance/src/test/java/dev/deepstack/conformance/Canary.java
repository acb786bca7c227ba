package dev.deepstack.conformance;

import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Bugs on purpose, as passes after all others: what compares graphs must find each of them, and say it in few ops.
enum Canary {
  /// Subtracts the wrong way round.
  SUBTRACTION {
    @Override
    Value wrong(Op op, Graph g) {
      return g.add(op instanceof Op.Sub(Value a, Value b) ? new Op.Sub(b, a) : op);
    }
  },

  /// Forgets the last element of a sum along an axis whose length is a symbol: a loop's tail.
  TAIL {
    @Override
    Value wrong(Op op, Graph g) {
      if (op instanceof Op.ReduceSum(Value x, List<Integer> axes, boolean keep) && axes.size() == 1
          && !x.type().dim(axes.getFirst()).isConstant()) {
        int axis = axes.getFirst();
        Value most = g.add(new Op.Slice(x, axis, Dim.ZERO, x.type().dim(axis).minus(1), 1));
        return g.add(new Op.ReduceSum(most, axes, keep));
      }
      return g.add(op);
    }
  },

  /// Windows whose elements stand apart are taken as if they did not.
  DILATION {
    @Override
    Value wrong(Op op, Graph g) {
      return g.add(op instanceof Op.Windows w && w.dilation() > 1
          ? new Op.Windows(w.x(), w.axis(), w.count(), w.size(), w.step(), 1) : op);
    }
  },

  /// The other branch.
  CHOICE {
    @Override
    Value wrong(Op op, Graph g) {
      return g.add(op instanceof Op.Choose(Value c, Value a, Value b) ? new Op.Choose(c, b, a) : op);
    }
  },

  /// What a loop with a count carries stays as it was.
  LOOP {
    @Override
    Value wrong(Op op, Graph g) {
      return op instanceof Op.Loop loop && loop.body().trips() != null && loop.result() < loop.initial().size()
          ? loop.initial().get(loop.result()) : g.add(op);
    }
  };

  abstract Value wrong(Op op, Graph g);

  /// The graph with the bug, inside of loops as well.
  Graph apply(Graph graph) {
    Graph inside = Body.map(graph, body -> body.with(apply(body.graph())));
    var result = new Graph();
    inside.symbols().forEach(result::symbol);
    Map<Value, Value> made = new HashMap<>();
    inside.values().forEach(v -> made.put(v, wrong(OpSchema.map(v.op(), made::get), result)));
    inside.outputs().forEach(o -> result.output(o.with(made.get(o.value()))));
    return result;
  }
}
