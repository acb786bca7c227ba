package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.testkit.Gen;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Random well-typed graphs for comparing a target with the interpreter: chains of element-wise ops, views,
/// reductions, products, gathers, scatters and concatenations on small odd shapes with one symbol, and now and then a
/// choice, a loop or a size from data (see [RandomControl]).
///
/// Every step keeps f32 values between -4 and 4 or so, and none has jumps, so small differences stay small.
final class RandomGraphs {
  private static final List<Dim> EXTENTS =
      List.of(Dim.ONE, Dim.of(2), Dim.of(3), Dim.of(5), Dim.of(7), Dim.of(17), Dim.symbol("s"));
  private static final int RANK_MAX = 4;
  private static final int STEPS_MAX = 12;

  private final Draft draft;
  private final Graph graph;
  private final Gen gen;
  private final List<Value> pool = new ArrayList<>();
  /// Where the values outside of a loop's body come from, or null outside of all.
  private final @Nullable RandomGraphs around;
  private final List<Value> givens = new ArrayList<>();
  private int loops;

  private RandomGraphs(long seed) {
    draft = new Draft("random/" + seed).tolerance(1e-4, 1e-4);
    graph = draft.graph();
    gen = Gen.of(seed);
    around = null;
    draft.symbol("s", gen.pick(List.of(1L, 2L, 6L, 13L, 16L)));
  }

  /// Inside a body of a loop of `around`.
  RandomGraphs(RandomGraphs around, Graph body) {
    draft = around.draft;
    graph = body;
    gen = around.gen;
    this.around = around;
  }

  /// The graph of a seed.
  static Sample next(long seed) {
    return new RandomGraphs(seed).build();
  }

  private Sample build() {
    // The symbol is bound even when no random shape has it.
    pool.add(input(new Shape(List.of(Dim.symbol("s"), Dim.of(3)))));
    for (int i = gen.intIn(0, 2); i > 0; i--) {
      pool.add(input(shape()));
    }
    for (int i = gen.intIn(2, STEPS_MAX); i > 0; i--) {
      pool.add(step(pick()));
    }
    draft.result(pool.getLast());
    return draft.done(pick());
  }

  Graph graph() {
    return graph;
  }

  Gen gen() {
    return gen;
  }

  List<Value> pool() {
    return pool;
  }

  /// Values of the graph around that the body reads, in order.
  List<Value> givens() {
    return givens;
  }

  /// Bodies around this one.
  int depth() {
    return around == null ? 0 : around.depth() + 1;
  }

  Value pick() {
    // Mostly the newest, so that chains get long.
    return gen.coin() ? pool.getLast() : gen.pick(pool);
  }

  private Shape shape() {
    var dims = new ArrayList<Dim>();
    for (int i = gen.intIn(0, 3); i > 0; i--) {
      dims.add(gen.pick(EXTENTS));
    }
    return new Shape(dims);
  }

  Value input(Shape shape) {
    return around == null ? draft.uniform(DType.F32, shape.toString(), -2, 2) : given(around.input(shape));
  }

  private Value integers(String shape, long low, long high) {
    return around == null ? draft.integers(DType.I64, shape, low, high) : given(around.integers(shape, low, high));
  }

  Value scalar(DType dtype, int value) {
    return around == null ? draft.values(dtype, "[]", value) : given(around.scalar(dtype, value));
  }

  /// A symbol that no other loop counts with.
  String counter() {
    return around == null ? "i" + loops++ : around.counter();
  }

  /// A value of the graph around as one of this.
  Value given(Value outside) {
    givens.add(outside);
    return graph.input(Body.given(givens.size() - 1), outside.type());
  }

  private Value weight(Shape shape) {
    Value w = draft.weight(DType.F32, shape.toString());
    return around == null ? w : add(w.op());
  }

  Value add(Op op) {
    return graph.add(op);
  }

  Value step(Value x) {
    boolean scalar = x.type().rank() == 0;
    return switch (gen.intIn(scalar ? 11 : 0, 15)) {
      case 0 -> permute(x);
      case 1 -> slice(x);
      case 2 -> reduce(x);
      case 3 -> product(x);
      case 4 -> gather(x);
      case 5 -> concat(x);
      case 6 -> windows(x);
      case 7 -> convolution(x);
      case 8 -> scatter(x);
      case 9 -> pad(x);
      case 10 -> gen.chance(0.3) ? RandomControl.size(this, x) : keeping(x);
      case 11 -> reshape(x);
      case 12 -> binary(x);
      case 13 -> gen.chance(0.3) ? RandomControl.step(this, x) : unary(x);
      default -> unary(x);
    };
  }

  /// A step to a value of the same type.
  Value keeping(Value x) {
    if (x.type().rank() == 0) {
      return unary(x);
    }
    int last = x.type().rank() - 1;
    return switch (gen.intIn(0, 5)) {
      case 0 -> add(new Op.Softmax(x, axis(x)));
      case 1 -> add(new Op.Tanh(add(new Op.CumSum(x, axis(x)))));
      case 2 -> halve(add(new Op.RmsNorm(x, null, 1e-3)));
      case 3 -> x.type().dim(last).isConstant()
          ? halve(add(new Op.LayerNorm(x, weight(Shape.of(x.type().dim(last))), null, 1e-1))) : unary(x);
      case 4 -> {
        Value y = binary(x);
        yield y.type().equals(x.type()) ? y : unary(x);
      }
      default -> unary(x);
    };
  }

  Value unary(Value x) {
    return add(gen.pick(List.<Op>of(new Op.Tanh(x), new Op.Sin(x), new Op.Sigmoid(x), new Op.Erf(x), new Op.Neg(x),
        new Op.Abs(x), new Op.Silu(x), new Op.Gelu(x, true), new Op.Cos(x))));
  }

  /// One slice of an axis set anew, or increased.
  private Value scatter(Value x) {
    int axis = axis(x);
    Dim extent = x.type().dim(axis);
    if (!extent.isConstant() || !plain(x.type().shape())) {
      return keeping(x);
    }
    // No place twice: the order of sums is free.
    long at = gen.longIn(0, extent.constant() - 1);
    Value indices = integers("[1]", at, at);
    Value source = input(x.type().shape().with(axis, Dim.ONE));
    return halve(add(new Op.Scatter(x, indices, source, axis, gen.coin() ? Op.Combine.SET : Op.Combine.ADD)));
  }

  private Value pad(Value x) {
    var low = new ArrayList<Dim>();
    var high = new ArrayList<Dim>();
    for (int i = 0; i < x.type().rank(); i++) {
      low.add(Dim.of(gen.intIn(0, 1)));
      high.add(Dim.of(gen.intIn(0, 2)));
    }
    return add(new Op.Pad(x, low, high, gen.coin() ? 0 : 0.5));
  }

  /// With a value of a shape that broadcasts: a scalar, a row, a column or the whole.
  private Value binary(Value x) {
    var dims = new ArrayList<>(x.type().shape().dims());
    dims.replaceAll(d -> gen.chance(0.3) ? Dim.ONE : d);
    Shape shape = new Shape(dims.subList(gen.intIn(0, dims.size()), dims.size()));
    Value y = shape.isStatic() || plain(shape) ? input(shape) : x;
    return switch (gen.intIn(0, 4)) {
      case 0 -> halve(add(new Op.Add(x, y)));
      case 1 -> halve(add(new Op.Sub(y, x)));
      case 2 -> add(new Op.Tanh(add(new Op.Mul(x, y))));
      case 3 -> add(new Op.Max(x, y));
      default -> add(new Op.Min(y, x));
    };
  }

  /// Whether an input of this shape says what its symbols are.
  static boolean plain(Shape shape) {
    return shape.dims().stream().allMatch(d -> d.isConstant() || d.equals(Dim.symbol("s")));
  }

  private Value halve(Value x) {
    return add(new Op.Mul(x, graph.constant(0.5, x)));
  }

  private Value permute(Value x) {
    var axes = new ArrayList<Integer>();
    for (int i = 0; i < x.type().rank(); i++) {
      axes.add(gen.intIn(0, axes.size()), i);
    }
    return add(new Op.Permute(x, axes));
  }

  private Value reshape(Value x) {
    var dims = new ArrayList<>(x.type().shape().dims());
    int at = gen.intIn(0, dims.size());
    if (dims.size() >= 2 && at >= 1 && at < dims.size()) {
      dims.set(at - 1, dims.get(at - 1).times(dims.remove(at)));
    } else if (dims.size() < RANK_MAX) {
      dims.add(at, Dim.ONE);
    }
    return add(new Op.Reshape(x, new Shape(dims)));
  }

  private int axis(Value x) {
    return gen.intIn(0, x.type().rank() - 1);
  }

  private Value slice(Value x) {
    int axis = axis(x);
    Dim extent = x.type().dim(axis);
    if (!extent.isConstant()) {
      return gen.coin()
          ? add(new Op.Slice(x, axis, extent.minus(1), extent, -1))
          : add(new Op.Slice(x, axis, Dim.ZERO, extent.plus(1).floorDiv(2), 2));
    }
    long start = gen.longIn(0, extent.constant() - 1);
    return add(new Op.Slice(x, axis, Dim.of(start), Dim.of(gen.longIn(1, extent.constant() - start)), 1));
  }

  /// Pooling, or windows as they are.
  private Value windows(Value x) {
    int axis = axis(x);
    Dim extent = x.type().dim(axis);
    if (!extent.isConstant() || x.type().rank() >= RANK_MAX) {
      return unary(x);
    }
    long size = gen.longIn(1, Math.min(3, extent.constant()));
    long dilation = size > 1 ? gen.longIn(1, (extent.constant() - 1) / (size - 1)) : 1;
    long step = gen.longIn(1, 3);
    long count = (extent.constant() - dilation * (size - 1) - 1) / step + 1;
    Value y = add(new Op.Windows(x, axis, Dim.of(count), size, step, dilation));
    return switch (gen.intIn(0, 2)) {
      case 0 -> y;
      case 1 -> add(new Op.ReduceMax(y, List.of(axis + 1), false));
      default -> halve(add(new Op.ReduceSum(y, List.of(axis + 1), false)));
    };
  }

  /// Padded so that any extent has a window.
  private Value convolution(Value x) {
    Dim channels = x.type().dim(-1);
    int space = x.type().rank() - 2;
    if (!channels.isConstant() || space < 1) {
      return product(x);
    }
    int groups = gen.coin() ? 1 : Math.toIntExact(channels.constant());
    var shape = new ArrayList<Dim>();
    shape.add(Dim.of(groups > 1 ? groups : gen.pick(List.of(1L, 3L, 17L))));
    var low = new ArrayList<Integer>();
    var high = new ArrayList<Integer>();
    var strides = new ArrayList<Integer>();
    var dilations = new ArrayList<Integer>();
    for (int i = 0; i < space; i++) {
      int size = gen.intIn(1, 3);
      int dilation = gen.intIn(1, 2);
      shape.add(Dim.of(size));
      low.add(gen.intIn(0, dilation * (size - 1)));
      high.add(dilation * (size - 1) - low.getLast() + gen.intIn(0, 1));
      strides.add(gen.intIn(1, 2));
      dilations.add(dilation);
    }
    shape.add(Dim.of(channels.constant() / groups));
    Value w = weight(new Shape(shape));
    return add(new Op.Tanh(add(new Op.Convolution(x, w, strides, dilations, low, high, groups))));
  }

  private Value reduce(Value x) {
    var axes = List.of(axis(x));
    boolean keep = gen.coin();
    return switch (gen.intIn(0, 3)) {
      case 0 -> add(new Op.Tanh(add(new Op.ReduceSum(x, axes, keep))));
      case 1 -> add(new Op.ReduceMax(x, axes, keep));
      case 2 -> add(new Op.ReduceMin(x, axes, keep));
      default -> add(new Op.Softmax(x, axes.getFirst()));
    };
  }

  private Value product(Value x) {
    Dim inner = x.type().dim(-1);
    Dim out = Dim.of(gen.pick(List.of(1L, 3L, 5L, 17L)));
    if (!inner.isConstant()) {
      return unary(x);
    }
    Value w = weight(new Shape(List.of(out, inner)));
    if (gen.coin() || x.type().rank() < 2) {
      return add(new Op.Tanh(add(new Op.Linear(x, w, null))));
    }
    return add(new Op.Tanh(add(new Op.MatMul(x, add(new Op.Permute(w, List.of(1, 0)))))));
  }

  private Value gather(Value x) {
    int axis = axis(x);
    Dim extent = x.type().dim(axis);
    long last = extent.isConstant() ? extent.constant() - 1 : 0;
    return add(new Op.Gather(x, integers("[" + gen.intIn(1, 5) + "]", 0, last), axis));
  }

  private Value concat(Value x) {
    return add(new Op.Concat(gen.coin() ? List.of(x, unary(x)) : List.of(x, x, x), axis(x)));
  }
}
