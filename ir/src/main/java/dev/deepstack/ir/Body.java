package dev.deepstack.ir;

import static dev.deepstack.ir.Shapes.require;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// What a loop repeats: a graph of its own over the inputs `carry0`, `carry1` … (what the loop carries from one time to
/// the next) and `given0`, `given1` …. Its results `carry0` … are the next values of what is carried, all of them;
/// `out0`, `out1` … are given every time. It may name weights and the symbols of the graph around it.
///
/// @param counter the symbol that is 0 the first time, then 1, 2 …; no other loop of the graph has it
/// @param trips how many times; null for as long as `carry0`, a bool scalar, is true, looked at before each time
public record Body(Graph graph, String counter, @Nullable Dim trips) {
  /// The same loop around another graph.
  public Body with(Graph other) {
    return new Body(other, counter, trips);
  }

  public static String carry(int i) {
    return "carry" + i;
  }

  public static String given(int i) {
    return "given" + i;
  }

  public static String out(int i) {
    return "out" + i;
  }

  /// The input of that name, or null when the graph has none.
  public @Nullable Value input(String name) {
    for (Value v : graph.values()) {
      if (v.op() instanceof Op.Input(String n, var _) && n.equals(name)) {
        return v;
      }
    }
    return null;
  }

  /// The result of that name, or null when the graph has none.
  public @Nullable Value result(String name) {
    return graph.outputs().stream().filter(o -> o instanceof Graph.Result && o.name().equals(name))
        .map(Graph.Output::value).findFirst().orElse(null);
  }

  /// What is given every time, in order.
  public List<Value> outs() {
    var outs = new ArrayList<Value>();
    for (Value out = result(out(0)); out != null; out = result(out(outs.size()))) {
      outs.add(out);
    }
    return outs;
  }

  TensorType infer(Op.Loop loop) {
    for (int i = 0; i < loop.initial().size(); i++) {
      fits(loop, input(carry(i)), loop.initial().get(i), carry(i));
      Value next = result(carry(i));
      require(loop, next != null && next.type().equals(loop.initial().get(i).type()), "the body must give " + carry(i)
          + " as it takes it");
    }
    for (int i = 0; i < loop.given().size(); i++) {
      fits(loop, input(given(i)), loop.given().get(i), given(i));
    }
    require(loop, trips != null
        || !loop.initial().isEmpty() && loop.initial().getFirst().type().equals(TensorType.scalar(DType.BOOL)),
        "a loop without a count needs a bool scalar first");
    if (loop.result() < loop.initial().size()) {
      return loop.initial().get(loop.result()).type();
    }
    Value out = result(out(loop.result() - loop.initial().size()));
    if (out == null || trips == null) {
      throw new IrException(Shapes.describe(loop) + ": there is no result " + loop.result());
    }
    var dims = new ArrayList<>(out.type().shape().dims());
    dims.addFirst(trips);
    return out.type().withShape(new dev.deepstack.tensor.Shape(dims));
  }

  private static void fits(Op.Loop loop, @Nullable Value input, Value operand, String name) {
    require(loop, input == null || input.type().equals(operand.type()), "the body takes another type as " + name);
  }

  /// The graph with every body in it replaced; equal bodies stay equal.
  public static Graph map(Graph graph, UnaryOperator<Body> replacement) {
    if (graph.ops(Op.Loop.class).isEmpty()) {
      return graph;
    }
    Map<Body, Body> replaced = new HashMap<>();
    var result = new Graph();
    graph.symbols().forEach(result::symbol);
    List<Value> copies = new ArrayList<>();
    for (Value value : graph.values()) {
      Op op = OpSchema.map(value.op(), operand -> copies.get(operand.id()));
      copies.add(result.add(op instanceof Op.Loop(var initial, var given, Body body, int i)
          ? new Op.Loop(initial, given, replaced.computeIfAbsent(body, replacement), i) : op));
    }
    graph.outputs().forEach(o -> result.output(o.with(copies.get(o.value().id()))));
    return result;
  }

  @Override
  public String toString() {
    return graph.values().size() + " values" + (trips == null ? "" : " x " + trips);
  }
}
