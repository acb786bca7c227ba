package dev.deepstack.ir;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.TensorType;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;

/// Checks what every pass may rely on: operands first, types as the ops infer them, symbols declared and bound before
/// their use, one source per name, updates of the state's own type; all this of the bodies of loops as well.
public final class Verifier {
  private static final int CONTEXT_LINES = 10;

  private Verifier() {}

  /// @throws IrException naming the value and printing the lines around it
  public static void verify(Graph graph) {
    var sources = new HashMap<String, Value>();
    for (Value value : graph.values()) {
      verifyValue(graph, value);
      String name = switch (value.op()) {
        case Op.Input(String n, var _) -> "input " + n;
        case Op.State(String n, var _) -> "state " + n;
        case Op.Weight(String n, var _) -> "weight " + n;
        default -> null;
      };
      if (name != null && sources.put(name, value) != null) {
        throw error(graph, value, "a second " + name);
      }
    }
    var names = new HashSet<String>();
    for (Graph.Output output : graph.outputs()) {
      Value value = output.value();
      if (!graph.owns(value)) {
        throw new IrException("output " + output.name() + " is not of this graph");
      }
      if (!names.add(output.getClass().getSimpleName() + output.name()) && !(output instanceof Graph.Check)) {
        throw error(graph, value, "a second output " + output.name());
      }
      switch (output) {
        case Graph.Result _ -> { }
        case Graph.Update(String state, Value updated) -> {
          Value before = sources.get("state " + state);
          if (before != null && !before.type().equals(updated.type())) {
            throw error(graph, updated, "state " + state + " has type " + before.type());
          }
        }
        case Graph.Bind(String symbol, Value bound) -> verifyBind(graph, symbol, bound);
        case Graph.Check(var _, Value condition) -> {
          if (!condition.type().equals(TensorType.scalar(DType.BOOL))) {
            throw error(graph, condition, "a check needs a bool scalar");
          }
        }
      }
    }
  }

  private static void verifyBind(Graph graph, String symbol, Value bound) {
    if (!bound.type().equals(TensorType.scalar(DType.I64)) || !graph.symbols().containsKey(symbol)) {
      throw error(graph, bound, "a declared symbol and an i64 scalar are needed to bind " + symbol);
    }
    for (Value value : graph.values().subList(0, bound.id() + 1)) {
      if (value.type().shape().dims().stream().anyMatch(d -> d.symbols().contains(symbol))) {
        throw error(graph, value, "symbol " + symbol + " is used before it is bound");
      }
    }
  }

  private static void verifyValue(Graph graph, Value value) {
    for (Value operand : OpSchema.operands(value.op())) {
      if (operand.id() >= value.id()) {
        throw error(graph, value, "operand " + operand + " comes later");
      }
    }
    if (value.op() instanceof Op.Loop loop) {
      verify(loop.body().graph());
    }
    TensorType type = value.op().infer();
    if (!type.equals(value.type())) {
      throw error(graph, value, "the op infers " + type);
    }
    for (Dim dim : type.shape().dims()) {
      for (String symbol : dim.symbols()) {
        if (!graph.symbols().containsKey(symbol)) {
          throw error(graph, value, "symbol " + symbol + " is not declared");
        }
      }
      if (dim.isConstant() && dim.constant() < 0) {
        throw error(graph, value, "negative extent");
      }
    }
  }

  private static IrException error(Graph graph, Value at, String what) {
    List<Value> values = graph.values();
    int from = Math.max(0, at.id() - CONTEXT_LINES / 2);
    int to = Math.min(values.size(), from + CONTEXT_LINES);
    var out = new StringBuilder("broken graph at " + at + ": " + what);
    values.subList(from, to).forEach(v -> out.append("\n  ").append(GraphText.line(v)));
    return new IrException(out.toString());
  }
}
