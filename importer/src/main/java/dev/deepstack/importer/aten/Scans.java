package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Running products, extremes and sums of exponentials along an axis: loops over it.
final class Scans {
  private Scans() {}

  /// What one element makes of what is carried, in the body of a loop.
  @FunctionalInterface
  private interface Step {
    List<Value> of(Emit e, List<Value> carried, Value x, Value place);
  }

  static void add(Operators.Builder table) {
    table.aten("cumprod", c -> c.set(one(c, 1, (e, h, x, _) -> List.of(e.mul(h.getFirst(), x)))))
        .aten("cummax", c -> extreme(c, true))
        .aten("cummin", c -> extreme(c, false))
        .aten("logcumsumexp", c -> c.set(one(c, Double.NEGATIVE_INFINITY,
            (e, h, x, _) -> List.of(added(e, h.getFirst(), x)))));
  }

  private static Value one(Call c, double start, Step step) {
    DType dtype = c.dtype();
    Value x = c.e.widen(c.e.cast(c.tensor("self"), dtype));
    if (x.type().rank() == 0) {
      return x;
    }
    return along(c, x, row -> List.of(c.e.full(start, x.type().dtype(), row.type().shape())), step).getFirst();
  }

  /// `log(exp(a) + exp(b))`; both may be minus infinity.
  private static Value added(Emit e, Value a, Value b) {
    Value max = e.of(new Op.Max(a, b));
    Value none = e.of(new Op.Eq(max, e.constant(Double.NEGATIVE_INFINITY, max)));
    Value distance = e.of(new Op.Neg(e.of(new Op.Abs(e.sub(a, b)))));
    return e.select(none, max, e.add(max, e.of(new Op.Log1p(e.of(new Op.Exp(distance))))));
  }

  /// Values and the last places where they were found; NaN stays.
  private static void extreme(Call c, boolean largest) {
    Value x = c.tensor("self");
    if (x.type().rank() == 0) {
      c.set(0, x);
      c.set(1, c.e.constant(0, DType.I64));
      return;
    }
    List<Value> both = along(c, x,
        row -> List.of(row, c.e.full(0, DType.I64, row.type().shape())), (e, h, now, place) -> {
          Value old = h.getFirst();
          Value wins = e.of(largest ? new Op.Ge(now, old) : new Op.Le(now, old));
          boolean real = now.type().dtype().isFloat();
          Value better = real ? e.of(new Op.Or(wins, e.of(new Op.IsNan(now)))) : wins;
          return List.of(e.select(better, now, old), e.select(better, place, h.getLast()));
        });
    c.set(0, both.get(0));
    if (c.isRead(1)) {
      c.set(1, both.get(1));
    }
  }

  private static List<Value> along(Call c, Value x, Function<Value, List<Value>> start, Step step) {
    Emit e = c.e;
    int axis = c.axis("dim", 0, x.type().rank());
    Value rows = e.permute(x, Emit.moved(x.type().rank(), axis, 0));
    var loop = new LoopBuilder(e);
    Value first = e.reshape(e.slice(rows, 0, dev.deepstack.tensor.Dim.ZERO, dev.deepstack.tensor.Dim.ONE, 1),
        rows.type().shape().without(0));
    var carried = new ArrayList<>(start.apply(first).stream().map(loop::carry).toList());
    Value place = loop.e.dim(loop.counter(), DType.I64);
    List<Value> next = step.of(loop.e, carried, loop.element(rows, loop.counter()), place);
    next.forEach(loop::next);
    next.forEach(loop::out);
    List<Value> all = loop.close(rows.type().dim(0));
    return all.subList(next.size(), all.size()).stream()
        .map(v -> e.permute(v, Emit.moved(x.type().rank(), 0, axis))).toList();
  }
}
