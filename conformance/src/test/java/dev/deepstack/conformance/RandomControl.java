package dev.deepstack.conformance;

import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import dev.deepstack.testkit.Gen;
import java.util.ArrayList;
import java.util.List;

/// Choices, loops and sizes from data for [RandomGraphs]. What they depend on are integers and bools that are given:
/// of computed floats a rounding could take the other way.
final class RandomControl {
  private static final int DEPTH_MAX = 2;
  private static final String SIZE = "u0";

  private RandomControl() {}

  /// A choice or a loop that begins with x.
  static Value step(RandomGraphs r, Value x) {
    return switch (r.gen().intIn(0, 3)) {
      case 0 -> choice(r, x);
      case 1 -> r.depth() < DEPTH_MAX ? whileLoop(r, x) : choice(r, x);
      default -> r.depth() < DEPTH_MAX ? loop(r, x) : choice(r, x);
    };
  }

  private static Value choice(RandomGraphs r, Value x) {
    Value n = r.scalar(DType.I64, r.gen().intIn(0, 1));
    Value condition = r.add(new Op.Gt(n, r.graph().constant(0, n)));
    Value a = chain(r, x);
    return r.add(new Op.Choose(condition, a, r.gen().chance(0.3) ? x : chain(r, x)));
  }

  /// A value of the same type.
  private static Value chain(RandomGraphs r, Value x) {
    Value y = x;
    for (int i = r.gen().intIn(1, 3); i > 0; i--) {
      y = r.keeping(y);
    }
    return y;
  }

  private static RandomGraphs inside(RandomGraphs r, String counter) {
    var g = new Graph();
    r.graph().symbols().forEach(g::symbol);
    g.symbol(counter, new DimRange(0, Long.MAX_VALUE));
    return new RandomGraphs(r, g);
  }

  /// Carries one value or two, reads rows of what is given, forwards or backwards, and stacks what it makes.
  private static Value loop(RandomGraphs r, Value x) {
    Gen gen = r.gen();
    Dim trips = gen.chance(0.3) ? Dim.symbol("s") : Dim.of(gen.intIn(0, 4));
    String counter = r.counter();
    RandomGraphs in = inside(r, counter);
    var initial = new ArrayList<>(List.of(x));
    if (gen.coin()) {
      initial.add(r.pick());
    }
    for (int i = 0; i < initial.size(); i++) {
      in.pool().add(in.graph().input(Body.carry(i), initial.get(i).type()));
    }
    if (gen.coin()) {
      in.pool().add(row(r, in, trips, counter));
    }
    if (gen.coin()) {
      in.pool().add(in.given(r.pick()));
    }
    List<Value> carried = List.copyOf(in.pool().subList(0, initial.size()));
    for (int i = gen.intIn(1, 4); i > 0; i--) {
      in.pool().add(in.step(in.pick()));
    }
    boolean swap = carried.getFirst().type().equals(carried.getLast().type()) && gen.coin();
    in.graph().result(Body.carry(0), chain(in, swap ? carried.getLast() : carried.getFirst()));
    if (carried.size() > 1) {
      in.graph().result(Body.carry(1), swap ? carried.getFirst() : chain(in, carried.getLast()));
    }
    in.graph().result(Body.out(0), in.pool().getLast());
    var body = new Body(in.graph(), counter, trips);
    int results = trips.is(0) ? initial.size() : initial.size() + 1;
    for (int i = 0; i < results; i++) {
      Value result = r.add(new Op.Loop(initial, in.givens(), body, i));
      if (gen.coin()) {
        r.pool().add(result);
      }
    }
    return r.add(new Op.Loop(initial, in.givens(), body, gen.intIn(0, results - 1)));
  }

  private static Value row(RandomGraphs r, RandomGraphs in, Dim trips, String counter) {
    Value rows = in.given(r.input(new Shape(List.of(trips, Dim.of(3)))));
    Dim i = Dim.symbol(counter);
    Dim at = r.gen().coin() ? i : trips.minus(1).minus(i);
    Value row = in.add(new Op.Slice(rows, 0, at, Dim.ONE, 1));
    return in.add(new Op.Reshape(row, Shape.of(Dim.of(3))));
  }

  /// As often as an integer says that the caller gives.
  private static Value whileLoop(RandomGraphs r, Value x) {
    Value n = r.scalar(DType.I64, r.gen().intIn(0, 4));
    String counter = r.counter();
    RandomGraphs in = inside(r, counter);
    in.graph().input(Body.carry(0), TensorType.scalar(DType.BOOL));
    Value left = in.add(new Op.Sub(in.graph().input(Body.carry(1), n.type()), in.graph().constant(1, n)));
    in.graph().result(Body.carry(0), in.add(new Op.Gt(left, in.graph().constant(0, n))));
    in.graph().result(Body.carry(1), left);
    Value now = in.graph().input(Body.carry(2), x.type());
    in.pool().add(now);
    in.graph().result(Body.carry(2), chain(in, now));
    Value more = r.add(new Op.Gt(n, r.graph().constant(0, n)));
    return r.add(new Op.Loop(List.of(more, n, x), in.givens(), new Body(in.graph(), counter, null), 2));
  }

  /// As much of x as data say, once in a graph and outside of loops.
  static Value size(RandomGraphs r, Value x) {
    int axis = r.gen().intIn(0, x.type().rank() - 1);
    Dim extent = x.type().dim(axis);
    if (r.depth() > 0 || !extent.isConstant() || r.graph().symbols().containsKey(SIZE)) {
      return r.keeping(x);
    }
    // Never 0: the largest element of nothing is an error.
    Value n = r.scalar(DType.I64, r.gen().intIn(1, Math.toIntExact(extent.constant())));
    r.graph().symbol(SIZE, new DimRange(1, extent.constant()));
    r.graph().output(new Graph.Bind(SIZE, n));
    return r.add(new Op.Slice(x, axis, Dim.ZERO, Dim.symbol(SIZE), 1));
  }
}
