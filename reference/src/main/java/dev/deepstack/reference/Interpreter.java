package dev.deepstack.reference;

import dev.deepstack.ir.Body;
import dev.deepstack.ir.ExpandComposites;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Guards;
import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimBinder;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// Runs a graph op by op: what every primitive means. Composites run as their expansion.
///
/// Every result is rounded to its dtype before the next op sees it. Floats are computed in double and rounded once
/// (narrow ones by way of f32); sums and products over axes keep a double for the whole sum. Integers wrap in their
/// width; a u64 is computed as the i64 with the same bits. A bool is 0 or 1 in arithmetic, and true when the result
/// is not 0.
public final class Interpreter {
  /// What a run leaves.
  ///
  /// @param results by name, in the order of the graph
  /// @param states every state after the run; the ones passed in are untouched
  public record Outcome(SequencedMap<String, HostTensor> results, SequencedMap<String, HostTensor> states) {}

  private final Graph graph;
  private final Map<String, Long> symbols;
  private final Map<String, HostTensor> inputs;
  private final Map<String, HostTensor> states;
  private final Function<String, HostTensor> weights;
  private final Guards guards;
  private final List<@Nullable HostTensor> values = new ArrayList<>();
  private final Map<Op.Loop, List<HostTensor>> loops = new HashMap<>();

  private Interpreter(Graph graph, Map<String, Long> symbols, Map<String, HostTensor> inputs,
      Map<String, HostTensor> states, Function<String, HostTensor> weights) {
    this.graph = graph;
    this.symbols = new HashMap<>(symbols);
    guards = Guards.of(graph);
    this.inputs = inputs;
    this.states = states;
    this.weights = weights;
  }

  /// Runs a graph.
  ///
  /// @param inputs by name, exactly those of the graph
  /// @param states by name, exactly those of the graph; they are only read
  /// @param weights gives each weight by name
  /// @throws InvalidInputException when a tensor does not fit its declaration, or an index is out of range
  public static Outcome run(Graph graph, Map<String, HostTensor> inputs, Map<String, HostTensor> states,
      Function<String, HostTensor> weights) {
    Graph primitive = ExpandComposites.expand(graph);
    var run = new Interpreter(primitive, bind(primitive, inputs, states), inputs, states, weights);
    run.run();
    var results = new LinkedHashMap<String, HostTensor>();
    var after = new LinkedHashMap<>(states);
    for (Graph.Output output : primitive.outputs()) {
      switch (output) {
        case Graph.Result(String name, Value value) -> results.put(name, run.at(value));
        case Graph.Update(String name, Value value) -> after.put(name, run.at(value));
        case Graph.Bind _, Graph.Check _ -> { }
      }
    }
    return new Outcome(results, after);
  }

  /// Runs a graph that has neither states nor weights.
  public static SequencedMap<String, HostTensor> run(Graph graph, Map<String, HostTensor> inputs) {
    return run(graph, inputs, Map.of(), Interpreter::noWeight).results();
  }

  /// The result of one op. The op's own operands only give the declared types; `operands` are in the order of
  /// [OpSchema#operands], one for each place even when one value fills two.
  ///
  /// @throws InvalidInputException when a tensor does not fit the declared type
  public static HostTensor evaluate(Op op, HostTensor... operands) {
    var graph = new Graph();
    var tensors = new LinkedHashMap<String, HostTensor>();
    Op copy = OpSchema.map(op, operand -> {
      String name = "operand " + tensors.size();
      tensors.put(name, operands[tensors.size()]);
      return graph.input(name, operand.type());
    });
    graph.result("result", graph.add(copy));
    return run(graph, tensors, Map.of(), Interpreter::noWeight).results().firstEntry().getValue();
  }

  private static HostTensor noWeight(String name) {
    throw new InvalidInputException("missing weight " + name);
  }

  private static Map<String, Long> bind(
      Graph graph, Map<String, HostTensor> inputs, Map<String, HostTensor> states) {
    var types = new LinkedHashMap<String, TensorType>();
    var tensors = new LinkedHashMap<>(inputs);
    graph.ops(Op.Input.class).forEach(i -> types.put(i.name(), i.type()));
    graph.ops(Op.State.class).forEach(s -> types.put("(state) " + s.name(), s.type()));
    states.forEach((name, tensor) -> tensors.put("(state) " + name, tensor));
    return DimBinder.bind(types, graph.symbols(), tensors);
  }

  private void run() {
    Map<Value, List<Graph.Output>> effects = new HashMap<>();
    graph.outputs().forEach(o -> effects.computeIfAbsent(o.value(), _ -> new ArrayList<>()).add(o));
    for (Value v : graph.values()) {
      boolean needed = guards.of(v).stream().allMatch(g -> (at(g.condition()).getLong(0) != 0) == g.when());
      values.add(needed ? step(v) : null);
      effects.getOrDefault(v, List.of()).forEach(this::take);
    }
  }

  /// What a value does beside being a result.
  private void take(Graph.Output output) {
    switch (output) {
      case Graph.Bind(String symbol, Value value) -> {
        long extent = at(value).getLong(0);
        DimRange range = graph.symbols().getOrDefault(symbol, new DimRange(0, Long.MAX_VALUE));
        if (extent < Math.min(range.min(), 0) || extent > range.max()) {
          throw new InvalidInputException("a size that the inputs decide (" + symbol + ") is " + extent
              + ", which is " + (extent < 0 ? "negative" : "more than " + range.max()) + "; change the inputs");
        }
        symbols.put(symbol, extent);
      }
      case Graph.Check(String otherwise, Value condition) -> {
        if (at(condition).getLong(0) == 0) {
          throw new InvalidInputException(otherwise);
        }
      }
      case Graph.Result _, Graph.Update _ -> { }
    }
  }

  /// Every result of a loop.
  private List<HostTensor> loop(Op.Loop loop) {
    var key = new Op.Loop(loop.initial(), loop.given(), loop.body(), 0);
    List<HostTensor> known = loops.get(key);
    if (known == null) {
      known = repeat(loop);
      loops.put(key, known);
    }
    return known;
  }

  private List<HostTensor> repeat(Op.Loop loop) {
    Body body = loop.body();
    var carried = new ArrayList<>(loop.initial().stream().map(this::at).toList());
    int carries = carried.size();
    List<Value> outs = body.outs();
    List<List<HostTensor>> stacks = new ArrayList<>();
    outs.forEach(_ -> stacks.add(new ArrayList<>()));
    Map<String, Long> inside = new HashMap<>(symbols);
    long trips = body.trips() == null ? Long.MAX_VALUE : body.trips().evaluate(symbols);
    for (long i = 0; i < trips && (body.trips() != null || carried.getFirst().getLong(0) != 0); i++) {
      inside.put(body.counter(), i);
      var arguments = new HashMap<String, HostTensor>();
      for (int k = 0; k < carries; k++) {
        arguments.put(Body.carry(k), carried.get(k));
      }
      for (int k = 0; k < loop.given().size(); k++) {
        arguments.put(Body.given(k), at(loop.given().get(k)));
      }
      var run = new Interpreter(body.graph(), inside, arguments, Map.of(), weights);
      run.run();
      for (int k = 0; k < carries; k++) {
        carried.set(k, run.at(Objects.requireNonNull(body.result(Body.carry(k)))));
      }
      for (int k = 0; k < outs.size(); k++) {
        stacks.get(k).add(run.at(outs.get(k)));
      }
    }
    var results = new ArrayList<HostTensor>(carried);
    for (int k = 0; k < outs.size(); k++) {
      TensorType type = outs.get(k).type();
      results.add(Movement.stack(stacks.get(k), type.dtype(), type.shape().evaluate(inside)));
    }
    return results;
  }

  private HostTensor step(Value value) {
    if (!(value.op() instanceof Op.Primitive op)) {
      throw new IllegalStateException("not expanded: " + value.op());
    }
    long[] shape = value.type().shape().evaluate(symbols);
    HostTensor result = compute(op, shape);
    if (result.dtype() != value.type().dtype() || !Arrays.equals(result.shape(), shape)) {
      throw new IrException(OpSchema.name(op) + " gave " + result + " but infers " + value.type());
    }
    return result;
  }

  /// One line per primitive: an op missing here does not compile.
  private HostTensor compute(Op.Primitive op, long[] shape) {
    return switch (op) {
      case Op.Input(String name, _) -> named(inputs.get(name), name);
      case Op.State(String name, _) -> named(states.get(name), name);
      case Op.Weight(String name, TensorType type) -> weight(name, type);
      case Op.Constant(double value, DType dtype) -> constant(value, dtype);
      case Op.DimValue(Dim dim) -> HostTensor.of(new long[] {dim.evaluate(symbols)});
      case Op.Iota _ -> Movement.iota(shape[0]);
      case Op.CumSum(Value x, int axis) -> Reductions.cumSum(at(x), axis);
      case Op.Unary u -> Elementwise.unary(u, at(u.x()));
      case Op.Comparison c -> Elementwise.comparison(c, at(c.a()), at(c.b()), shape);
      case Op.Binary b -> Elementwise.binary(b, at(b.a()), at(b.b()), shape);
      case Op.Select(Value condition, Value a, Value b) ->
          Elementwise.select(at(condition), at(a), at(b), shape);
      case Op.Cast(Value x, DType dtype) -> Elementwise.cast(at(x), dtype);
      case Op.Reshape(Value x, _) -> new HostTensor(at(x).dtype(), shape, at(x).data());
      case Op.Permute(Value x, List<Integer> axes) -> Movement.permute(at(x), axes, shape);
      case Op.Expand(Value x, _) -> Movement.expand(at(x), shape);
      case Op.Slice(Value x, int axis, Dim start, _, long step) ->
          Movement.slice(at(x), axis, start.evaluate(symbols), step, shape);
      case Op.Windows(Value x, int axis, _, _, long step, long dilation) ->
          Movement.windows(at(x), axis, step, dilation, shape);
      case Op.Concat(List<Value> parts, int axis) ->
          Movement.concat(parts.stream().map(this::at).toList(), axis, shape);
      case Op.Pad(Value x, List<Dim> low, _, double value) -> Movement.pad(at(x), extents(low), value, shape);
      case Op.ReduceSum r -> Reductions.sum(at(r.x()), r);
      case Op.ReduceProd r -> Reductions.product(at(r.x()), r);
      case Op.ReduceMax r -> Reductions.extreme(at(r.x()), r, true);
      case Op.ReduceMin r -> Reductions.extreme(at(r.x()), r, false);
      case Op.ArgMax(Value x, int axis) -> Order.argMax(at(x), axis);
      case Op.TopK(Value x, long k, boolean largest) -> Order.topK(at(x), k, largest);
      case Op.ArgSort(Value x, boolean descending) -> Order.argSort(at(x), descending);
      case Op.Gather(Value x, Value indices, int axis) -> Indexing.gather(at(x), at(indices), axis, shape);
      case Op.TakeAlong(Value x, Value indices, int axis) -> Indexing.takeAlong(at(x), at(indices), axis);
      case Op.Scatter(Value x, Value indices, Value source, int axis, Op.Combine combine) ->
          Indexing.scatter(at(x), at(indices), at(source), axis, combine);
      case Op.ScatterAlong(Value x, Value indices, Value source, int axis, Op.Combine combine) ->
          Indexing.scatterAlong(at(x), at(indices), at(source), axis, combine);
      case Op.Choose(Value condition, Value a, Value b) -> at(at(condition).getLong(0) != 0 ? a : b);
      case Op.Loop loop -> loop(loop).get(loop.result());
      case Op.Dequantize(Value x, BlockFormat format) -> Blocks.dequantize(at(x), format, shape);
      case Op.MatMul(Value a, Value b) -> Contractions.matMul(at(a), at(b), shape);
      case Op.GroupedMatMul(Value x, Value w, Value offsets) ->
          Contractions.groupedMatMul(at(x), at(w), at(offsets), shape);
    };
  }

  private HostTensor at(Value value) {
    return Objects.requireNonNull(values.get(value.id()));
  }

  private long[] extents(List<Dim> dims) {
    return dims.stream().mapToLong(d -> d.evaluate(symbols)).toArray();
  }

  private static HostTensor constant(double value, DType dtype) {
    HostTensor scalar = HostTensor.zeros(dtype);
    scalar.setDouble(0, value);
    return scalar;
  }

  private static HostTensor named(@Nullable HostTensor tensor, String name) {
    if (tensor == null) {
      throw new InvalidInputException("missing input " + name);
    }
    return tensor;
  }

  private HostTensor weight(String name, TensorType type) {
    HostTensor tensor = weights.apply(name);
    if (!tensor.type().equals(type)) {
      throw new InvalidInputException("weight " + name + " is " + tensor + " but must be " + type);
    }
    return tensor;
  }
}
