package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.List;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Choices and loops: small ones for the first thread alone, and large ones that threads share.
final class ControlSamples {
  private ControlSamples() {}

  static Stream<Sample> all() {
    return Stream.of(
        chosen("small", "[3,5]", true), chosen("small", "[3,5]", false), chosen("symbol", "[s,3]", true),
        chosen("large", "[128,160]", true), chosen("large", "[128,160]", false),
        nested(0), nested(1), nested(2), badIndex(), sharedBranch(), choiceOfProducts(true), choiceOfProducts(false),
        stacked("[3,4]", 5), stacked("[3,4]", 0), stacked("[64,64]", 7), recurrent("[2,5]", 5), recurrent("[4,96]", 96),
        swaps(), whileLoop(6), whileLoop(0), bisection(), loopInLoop("[2,3]"), loopInLoop("[48,64]"), choiceInLoop(),
        loopInChoice(true), loopInChoice(false), countedBySize(), sizeFromData(5), sizeFromData(0));
  }

  private static Value truth(Draft d, boolean value) {
    return d.values(DType.BOOL, "[]", value ? 1 : 0);
  }

  /// Both sides are products, so that they have kernels of their own.
  private static Value side(Draft d, Value x, double by) {
    Graph g = d.graph();
    Value square = g.add(new Op.MatMul(x, g.add(new Op.Permute(x, List.of(1, 0)))));
    return g.add(new Op.Mul(square, g.constant(by, square)));
  }

  private static Sample chosen(String what, String shape, boolean way) {
    var d = new Draft("choose/" + what + shape + way).tolerance(1e-3, 1e-4);
    Value x = d.input(DType.F32, shape);
    Value condition = truth(d, way);
    Value y = d.graph().add(new Op.Choose(condition, side(d, x, 2), side(d, x, -1)));
    return d.done(d.graph().add(new Op.Add(y, y)));
  }

  private static Sample nested(int which) {
    var d = new Draft("choose/nested " + which);
    Graph g = d.graph();
    Value x = d.input(DType.F32, "[2,s]");
    Value i = d.values(DType.I64, "[]", which);
    Value inner = g.add(new Op.Choose(g.add(new Op.Eq(i, g.constant(1, i))), g.add(new Op.Exp(x)),
        g.add(new Op.Softmax(x, 1))));
    return d.done(g.add(new Op.Choose(g.add(new Op.Eq(i, g.constant(0, i))), g.add(new Op.Neg(inner)), inner)));
  }

  /// The side not taken would read beyond its table.
  private static Sample badIndex() {
    var d = new Draft("choose/an index out of range on the other side").exact();
    Value table = d.input(DType.F32, "[4,3]");
    Value condition = truth(d, false);
    Value bad = d.graph().add(new Op.Gather(table, d.values(DType.I64, "[2]", 9, 70), 0));
    Value good = d.graph().add(new Op.Gather(table, d.values(DType.I64, "[2]", 1, 3), 0));
    return d.done(d.graph().add(new Op.Choose(condition, bad, good)));
  }

  /// What both sides need, or something outside, is computed whichever is taken.
  private static Sample sharedBranch() {
    var d = new Draft("choose/shared");
    Value x = d.input(DType.F32, "[3,7]");
    Value condition = truth(d, true);
    Value common = d.graph().add(new Op.CumSum(x, 1));
    Value a = d.graph().add(new Op.CumSum(common, 0));
    Value b = d.graph().add(new Op.CumSum(x, 0));
    d.result(d.graph().add(new Op.Choose(condition, a, d.graph().add(new Op.Add(common, b)))));
    return d.done(b);
  }

  private static Sample choiceOfProducts(boolean way) {
    var d = new Draft("choose/linear layers " + way).tolerance(1e-4, 1e-4);
    Value x = d.input(DType.F32, "[3,64]");
    Value condition = truth(d, way);
    Value a = d.graph().add(new Op.Linear(x, d.weight(DType.F32, "[512,64]"), null));
    Value b = d.graph().add(new Op.Linear(x, d.weight(DType.F32, "[512,64]"), d.weight(DType.F32, "[512]")));
    return d.done(d.graph().add(new Op.Choose(condition, a, b)));
  }

  /// A body while it is written.
  private static final class Inside {
    final Graph g = new Graph();
    private final String counter;

    Inside(Graph around, String counter) {
      this.counter = counter;
      around.symbols().forEach(g::symbol);
      g.symbol(counter, new DimRange(0, Long.MAX_VALUE));
    }

    Value carry(int i, TensorType type) {
      return g.input(Body.carry(i), type);
    }

    Value given(int i, TensorType type) {
      return g.input(Body.given(i), type);
    }

    /// Row `i` of what is given.
    Value row(Value all, Dim i) {
      return g.add(new Op.Reshape(g.add(new Op.Slice(all, 0, i, Dim.ONE, 1)), all.type().shape().without(0)));
    }

    Dim i() {
      return Dim.symbol(counter);
    }

    Body body(@Nullable Dim trips) {
      return new Body(g, counter, trips);
    }
  }

  /// Running products with what is given, and each of them.
  private static Sample stacked(String shape, int times) {
    var d = new Draft("loop/stacked " + times + shape).tolerance(1e-4, 1e-4);
    Value x = d.input(DType.F32, shape);
    Value xs = d.uniform(DType.F32, "[" + times + "," + shape.substring(1), -1, 1);
    var in = new Inside(d.graph(), "i0");
    Value now = in.carry(0, x.type());
    Value sum = in.g.add(new Op.Add(now, in.row(in.given(0, xs.type()), in.i())));
    Value next = in.g.add(new Op.Tanh(sum));
    in.g.result(Body.carry(0), next);
    in.g.result(Body.out(0), sum);
    in.g.result(Body.out(1), in.g.add(new Op.ReduceSum(next, List.of(1), false)));
    Body body = in.body(Dim.of(times));
    for (int i : new int[] {2, 0, 1}) {
      d.result(d.graph().add(new Op.Loop(List.of(x), List.of(xs), body, i)));
    }
    return d.done();
  }

  /// A linear layer with a weight of its own, backwards through time.
  private static Sample recurrent(String shape, int width) {
    var d = new Draft("loop/recurrent" + shape).tolerance(1e-4, 1e-4);
    Value h = d.uniform(DType.F32, shape, -1, 1);
    Value xs = d.uniform(DType.F32, "[s," + shape.substring(1), -1, 1);
    Value w = d.weight(DType.F32, "[" + width + "," + width + "]");
    Dim time = xs.type().dim(0);
    var in = new Inside(d.graph(), "i0");
    Value now = in.carry(0, h.type());
    Value product = in.g.add(new Op.Linear(now, in.g.add(w.op()), null));
    Value x = in.row(in.given(0, xs.type()), time.minus(1).minus(in.i()));
    Value next = in.g.add(new Op.Tanh(in.g.add(new Op.Add(product, x))));
    in.g.result(Body.carry(0), next);
    in.g.result(Body.out(0), next);
    Body body = in.body(time);
    d.result(d.graph().add(new Op.Loop(List.of(h), List.of(xs), body, 0)));
    return d.done(d.graph().add(new Op.Loop(List.of(h), List.of(xs), body, 1)));
  }

  /// Fibonacci numbers, and a value that stays: what is carried changes places.
  private static Sample swaps() {
    var d = new Draft("loop/swaps").exact();
    Value a = d.values(DType.I64, "[2]", 0, 5);
    Value b = d.values(DType.I64, "[2]", 1, 3);
    var in = new Inside(d.graph(), "i0");
    Value x = in.carry(0, a.type());
    Value y = in.carry(1, b.type());
    Value z = in.carry(2, b.type());
    in.g.result(Body.carry(0), y);
    in.g.result(Body.carry(1), in.g.add(new Op.Add(x, y)));
    in.g.result(Body.carry(2), z);
    Body body = in.body(Dim.of(9));
    for (int i = 0; i < 3; i++) {
      d.result(d.graph().add(new Op.Loop(List.of(a, b, b), List.of(), body, i)));
    }
    return d.done();
  }

  private static Sample whileLoop(int times) {
    var d = new Draft("loop/while " + times);
    Graph g = d.graph();
    Value n = d.values(DType.I64, "[]", times);
    Value x = d.input(DType.F32, "[3,s]");
    var in = new Inside(g, "i0");
    in.carry(0, TensorType.scalar(DType.BOOL));
    Value left = in.g.add(new Op.Sub(in.carry(1, n.type()), in.g.constant(1, n)));
    in.g.result(Body.carry(0), in.g.add(new Op.Gt(left, in.g.constant(0, n))));
    in.g.result(Body.carry(1), left);
    in.g.result(Body.carry(2), in.g.add(new Op.Sin(in.carry(2, x.type()))));
    List<Value> initial = List.of(g.add(new Op.Gt(n, g.constant(0, n))), n, x);
    Body body = in.body(null);
    d.result(g.add(new Op.Loop(initial, List.of(), body, 2)));
    return d.done(g.add(new Op.Loop(initial, List.of(), body, 1)));
  }

  /// The times depend on data that threads share: until all elements are small.
  private static Sample bisection() {
    var d = new Draft("loop/until small");
    Graph g = d.graph();
    Value x = d.uniform(DType.F32, "[160,128]", 1, 900);
    var in = new Inside(g, "i0");
    in.carry(0, TensorType.scalar(DType.BOOL));
    Value half = in.g.add(new Op.Mul(in.carry(1, x.type()), in.g.constant(0.5, DType.F32)));
    in.g.result(Body.carry(0), isLarge(in.g, half));
    in.g.result(Body.carry(1), half);
    return d.done(g.add(new Op.Loop(List.of(isLarge(g, x), x), List.of(), in.body(null), 1)));
  }

  private static Value isLarge(Graph g, Value x) {
    return g.add(new Op.Gt(g.add(new Op.ReduceMax(x, List.of(0, 1), false)), g.constant(1, x)));
  }

  private static Sample loopInLoop(String shape) {
    var d = new Draft("loop/in a loop" + shape).tolerance(1e-4, 1e-4);
    Value x = d.input(DType.F32, shape);
    Value xs = d.uniform(DType.F32, "[3," + shape.substring(1), -1, 1);
    var outer = new Inside(d.graph(), "i0");
    Value now = outer.carry(0, x.type());
    Value row = outer.row(outer.given(0, xs.type()), outer.i());
    Value mean = outer.g.add(new Op.Tanh(outer.g.add(new Op.Add(row, now))));
    var inner = new Inside(outer.g, "i1");
    Value deep = inner.carry(0, x.type());
    Value next = inner.g.add(new Op.Tanh(inner.g.add(new Op.Add(deep, inner.given(0, x.type())))));
    inner.g.result(Body.carry(0), next);
    inner.g.result(Body.out(0), inner.g.add(new Op.ReduceMax(next, List.of(0), false)));
    Body body = inner.body(Dim.of(4));
    Value last = outer.g.add(new Op.Loop(List.of(now), List.of(mean), body, 0));
    outer.g.result(Body.carry(0), last);
    outer.g.result(Body.out(0), outer.g.add(new Op.Loop(List.of(now), List.of(mean), body, 1)));
    d.result(d.graph().add(new Op.Loop(List.of(x), List.of(xs), outer.body(Dim.of(3)), 0)));
    return d.done(d.graph().add(new Op.Loop(List.of(x), List.of(xs), outer.body(Dim.of(3)), 1)));
  }

  /// Every second time goes the other way.
  private static Sample choiceInLoop() {
    var d = new Draft("loop/with a choice").tolerance(1e-4, 1e-4);
    Value x = d.input(DType.F32, "[3,5]");
    var in = new Inside(d.graph(), "i0");
    Value now = in.carry(0, x.type());
    Value i = in.g.add(new Op.DimValue(in.i()));
    Value odd = in.g.add(new Op.Eq(in.g.add(new Op.Rem(i, in.g.constant(2, i))), in.g.constant(1, i)));
    in.g.result(Body.carry(0),
        in.g.add(new Op.Choose(odd, in.g.add(new Op.Softmax(now, 1)), in.g.add(new Op.CumSum(now, 1)))));
    return d.done(d.graph().add(new Op.Loop(List.of(x), List.of(), in.body(Dim.of(5)), 0)));
  }

  private static Sample loopInChoice(boolean way) {
    var d = new Draft("choose/a loop " + way);
    Graph g = d.graph();
    Value x = d.input(DType.F32, "[3,5]");
    Value condition = truth(d, way);
    var in = new Inside(g, "i0");
    in.g.result(Body.carry(0), in.g.add(new Op.Sin(in.carry(0, x.type()))));
    in.g.result(Body.out(0), in.g.add(new Op.CumSum(in.carry(0, x.type()), 0)));
    Body body = in.body(Dim.of(4));
    Value stack = g.add(new Op.Loop(List.of(x), List.of(), body, 1));
    Value sum = g.add(new Op.ReduceSum(stack, List.of(0), false));
    return d.done(g.add(new Op.Choose(condition, sum, g.add(new Op.Loop(List.of(x), List.of(), body, 0)))));
  }

  private static Sample countedBySize() {
    var d = new Draft("loop/as often as a size says").exact();
    Value x = d.input(DType.I64, "[s]");
    var in = new Inside(d.graph(), "i0");
    Value sum = in.carry(0, TensorType.scalar(DType.I64));
    Value next = in.g.add(new Op.Add(sum, in.row(in.given(0, x.type()), in.i())));
    in.g.result(Body.carry(0), next);
    in.g.result(Body.out(0), next);
    Value zero = d.graph().constant(0, DType.I64);
    return d.done(d.graph().add(new Op.Loop(List.of(zero), List.of(x), in.body(x.type().dim(0)), 1)));
  }

  /// A symbol that data decide, in shapes, in strides and as the times of a loop.
  private static Sample sizeFromData(long size) {
    var d = new Draft("loop/a size from data " + size).tolerance(1e-4, 1e-4);
    Graph g = d.graph();
    g.symbol("u0", new DimRange(0, 8));
    Dim u = Dim.symbol("u0");
    Value n = d.values(DType.I64, "[]", size);
    Value x = d.input(DType.F32, "[8,3]");
    g.output(new Graph.Bind("u0", g.add(new Op.Add(n, g.constant(0, n)))));
    Value head = g.add(new Op.Slice(x, 0, Dim.ZERO, u, 1));
    Value square = g.add(new Op.MatMul(head, g.add(new Op.Permute(head, List.of(1, 0)))));
    d.result(square).result(g.add(new Op.CumSum(square, 1)));
    d.result(g.add(new Op.Expand(g.add(new Op.DimValue(u)), new Shape(List.of(u)))));
    var in = new Inside(g, "i0");
    in.g.result(Body.carry(0), in.g.add(new Op.Tanh(in.carry(0, x.type()))));
    return d.done(g.add(new Op.Loop(List.of(x), List.of(), in.body(u), 0)));
  }
}
