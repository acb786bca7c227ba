package dev.deepstack.importer.aten;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Adds ops to a graph by short names and leaves out those that change nothing.
///
/// @param path what must hold for the part of the program being read to be reached; null for nothing
/// @param loops counts the loops of the program
record Emit(Graph graph, @Nullable Value path, AtomicInteger loops) {
  Emit(Graph graph) {
    this(graph, null, new AtomicInteger());
  }

  /// For another graph, the body of a loop.
  Emit in(Graph other) {
    return new Emit(other, null, loops);
  }

  /// For what happens only under a condition, a bool scalar.
  Emit under(Value condition) {
    return new Emit(graph, path == null ? condition : of(new Op.And(path, condition)), loops);
  }

  /// A name for the counter of one more loop.
  String counter() {
    String name = "i" + loops.getAndIncrement();
    return graph.symbols().containsKey(name) ? counter() : name;
  }

  /// Ends the call with a sentence where a bool scalar is false.
  void check(String otherwise, Value condition) {
    Value always = path == null ? condition : of(new Op.Choose(path, condition, constant(1, DType.BOOL)));
    graph.output(new Graph.Check(otherwise, always));
  }

  /// Says what a size is that the data decide, an integer of one element: its symbol takes the value, or if it has one
  /// already they must be equal.
  void bind(Dim size, Value count) {
    Value scalar = cast(reshape(count, Shape.SCALAR), DType.I64);
    String symbol = size.toString();
    if (isOpen(symbol)) {
      graph.output(new Graph.Bind(symbol,
          path == null ? scalar : of(new Op.Choose(path, scalar, constant(0, DType.I64)))));
    } else {
      check("a size that the inputs decide is not " + size + ", as the model requires; change the inputs",
          of(new Op.Eq(scalar, dim(size, DType.I64))));
    }
  }

  /// Whether only the data know the symbol, and nothing has said yet what it is.
  boolean isOpen(String symbol) {
    return isDecidedByData(symbol)
        && graph.outputs().stream().noneMatch(o -> o instanceof Graph.Bind && o.name().equals(symbol));
  }

  /// Whether a value needs a size that nothing has said yet.
  boolean isOpen(Value x) {
    return x.op() instanceof Op.DimValue(Dim dim) && dim.symbols().stream().anyMatch(this::isOpen)
        || OpSchema.operands(x.op()).stream().anyMatch(v -> v.type().rank() == 0 && isOpen(v));
  }

  /// Whether the file names a size so that only the data know.
  private static boolean isDecidedByData(String symbol) {
    return symbol.matches("u\\d+");
  }

  /// Ends the call where a slice that the data decide leaves its axis.
  void checkSlice(Dim start, Dim size, long step, Dim extent) {
    Dim end = start.plus(size.minus(1).times(step)).plus(1);
    boolean open = end.minus(extent).symbols().stream().anyMatch(Emit::isDecidedByData);
    if (open) {
      check("a slice that the inputs decide leaves its axis; change the inputs",
          of(new Op.Le(dim(end, DType.I64), dim(extent, DType.I64))));
    }
    if (start.symbols().stream().anyMatch(Emit::isDecidedByData)) {
      check("a slice that the inputs decide starts before its axis; change the inputs",
          of(new Op.Ge(dim(start, DType.I64), constant(0, DType.I64))));
    }
  }

  /// Any number or truth value of one element as a bool scalar.
  Value truth(Value x) {
    return cast(reshape(x, Shape.SCALAR), DType.BOOL);
  }

  /// The value with a type it differs from in dtype, or in axes of extent 1.
  Value as(Value x, TensorType type) {
    return expand(cast(x, type.dtype()), type.shape());
  }

  Value of(Op op) {
    return graph.add(op);
  }

  Value constant(double value, DType dtype) {
    return graph.constant(value, dtype);
  }

  Value constant(double value, Value like) {
    return constant(value, like.type().dtype());
  }

  /// `value` as a number of that type holds it.
  static double round(double value, DType dtype) {
    var one = HostTensor.zeros(dtype, 1);
    one.setDouble(0, value);
    return one.getDouble(0);
  }

  /// A symbolic integer as a scalar.
  Value dim(Dim dim, DType dtype) {
    return dim.isConstant() ? constant(dim.constant(), dtype) : cast(of(new Op.DimValue(dim)), dtype);
  }

  Value cast(Value x, DType dtype) {
    return graph.cast(x, dtype);
  }

  Value add(Value a, Value b) {
    return of(new Op.Add(a, b));
  }

  Value sub(Value a, Value b) {
    return of(new Op.Sub(a, b));
  }

  Value mul(Value a, Value b) {
    return of(new Op.Mul(a, b));
  }

  Value div(Value a, Value b) {
    return of(new Op.Div(a, b));
  }

  Value add(Value a, double b) {
    return add(a, constant(b, a));
  }

  Value mul(Value a, double b) {
    return mul(a, constant(b, a));
  }

  /// The places along each axis of elements that are counted in row-major order.
  List<Value> places(Value flat, List<Dim> extents) {
    var places = new ArrayList<Value>();
    Value rest = flat;
    for (int axis = extents.size() - 1; axis > 0; axis--) {
      Value extent = dim(extents.get(axis), DType.I64);
      places.addFirst(of(new Op.Rem(rest, extent)));
      rest = of(new Op.FloorDiv(rest, extent));
    }
    places.addFirst(rest);
    return places;
  }

  Value tanh(Value x) {
    return of(new Op.Tanh(x));
  }

  Value sigmoid(Value x) {
    return of(new Op.Sigmoid(x));
  }

  Value relu(Value x) {
    return graph.activation(Op.Activation.RELU, x);
  }

  Value linear(Value x, Value w, @Nullable Value bias) {
    return of(new Op.Linear(x, w, bias));
  }

  Value select(Value condition, Value a, Value b) {
    return of(new Op.Select(condition, a, b));
  }

  Value less(Value a, double b) {
    return of(new Op.Lt(a, constant(b, a)));
  }

  Value greater(Value a, double b) {
    return of(new Op.Gt(a, constant(b, a)));
  }

  /// Narrow floats as f32, where PyTorch computes.
  Value widen(Value x) {
    DType dtype = x.type().dtype();
    return dtype.isFloat() && dtype.bytes() < 4 ? cast(x, DType.F32) : x;
  }

  Value reshape(Value x, Shape shape) {
    return x.type().shape().equals(shape) ? x : of(new Op.Reshape(x, shape));
  }

  Value reshape(Value x, List<Dim> dims) {
    return reshape(x, new Shape(dims));
  }

  Value expand(Value x, Shape shape) {
    return x.type().shape().equals(shape) ? x : of(new Op.Expand(x, shape));
  }

  Value permute(Value x, List<Integer> axes) {
    return axes.equals(axes(axes.size())) ? x : of(new Op.Permute(x, axes));
  }

  Value transpose(Value x, int a, int b) {
    return permute(x, swapped(x.type().rank(), a, b));
  }

  Value slice(Value x, int axis, Dim start, Dim size, long step) {
    boolean whole = start.is(0) && step == 1 && size.equals(x.type().dim(axis));
    return whole ? x : of(new Op.Slice(x, axis, start, size, step));
  }

  /// `x` with an axis of extent 1 at `axis`.
  Value unsqueeze(Value x, int axis) {
    var dims = new ArrayList<>(x.type().shape().dims());
    dims.add(axis, Dim.ONE);
    return reshape(x, dims);
  }

  Value flatten(Value x) {
    return reshape(x, Shape.of(x.type().shape().elements()));
  }

  Value full(double value, DType dtype, Shape shape) {
    return expand(constant(value, dtype), shape);
  }

  /// `start, start+step …`, `size` of them, as i64.
  Value range(Dim start, Dim size, long step) {
    Value x = of(new Op.Iota(size));
    if (step != 1) {
      x = mul(x, step);
    }
    return start.is(0) ? x : add(x, dim(start, DType.I64));
  }

  /// Sum in f32 at least, in the dtype of `x`.
  Value sum(Value x, List<Integer> axes, boolean keep) {
    return axes.isEmpty() ? x : cast(of(new Op.ReduceSum(widen(x), axes, keep)), x.type().dtype());
  }

  /// Mean in f32 at least, in the dtype of `x`.
  Value mean(Value x, List<Integer> axes, boolean keep) {
    if (axes.isEmpty()) {
      return x;
    }
    Value wide = widen(x);
    Value sum = of(new Op.ReduceSum(wide, axes, keep));
    return cast(div(sum, dim(count(x, axes), wide.type().dtype())), x.type().dtype());
  }

  static Dim count(Value x, List<Integer> axes) {
    Dim count = Dim.ONE;
    for (int axis : axes) {
      count = count.times(x.type().dim(axis));
    }
    return count;
  }

  /// Rows and columns of the last two axes compared: `column - row`, as i64 `[rows,columns]`.
  Value columnMinusRow(Dim rows, Dim columns) {
    Value row = of(new Op.Reshape(of(new Op.Iota(rows)), Shape.of(rows, Dim.ONE)));
    return sub(of(new Op.Iota(columns)), row);
  }

  static List<Integer> axes(int rank) {
    return IntStream.range(0, rank).boxed().toList();
  }

  static List<Integer> swapped(int rank, int a, int b) {
    var axes = new ArrayList<>(axes(rank));
    axes.set(a, b);
    axes.set(b, a);
    return axes;
  }

  /// The permutation that moves axis `from` to `to` and keeps the order of the others.
  static List<Integer> moved(int rank, int from, int to) {
    var axes = new ArrayList<>(axes(rank));
    axes.remove(Integer.valueOf(from));
    axes.add(to, from);
    return axes;
  }

  static List<Integer> inverse(List<Integer> axes) {
    return axes(axes.size()).stream().map(axes::indexOf).toList();
  }
}
