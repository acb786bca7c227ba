package dev.deepstack.ir;

import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.TensorType;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;

/// Checks what every pass may rely on: operands first, types as the ops infer them, symbols declared, one source per
/// name, updates of the state's own type.
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
      if (!names.add(output.getClass().getSimpleName() + output.name())) {
        throw error(graph, value, "a second output " + output.name());
      }
      if (output instanceof Graph.Update(String state, Value updated)) {
        Value before = sources.get("state " + state);
        if (before != null && !before.type().equals(updated.type())) {
          throw error(graph, updated, "state " + state + " has type " + before.type());
        }
      }
    }
  }

  private static void verifyValue(Graph graph, Value value) {
    for (Value operand : OpSchema.operands(value.op())) {
      if (operand.id() >= value.id()) {
        throw error(graph, value, "operand " + operand + " comes later");
      }
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
