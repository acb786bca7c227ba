package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.function.Function;

/// Sums, extremes and truths over axes. A missing or empty list of axes means all of them.
final class Reductions {
  private Reductions() {}

  static void add(Operators.Builder table) {
    table.aten("sum", c -> c.set(c.e.sum(typed(c), axes(c), keep(c))))
        .aten("mean", c -> c.set(c.e.mean(typed(c), axes(c), keep(c))))
        .aten("nansum", c -> c.set(c.e.sum(withoutNan(c), axes(c), keep(c))))
        .aten("prod", c -> c.set(fold(c, typed(c), (x, a) -> new Op.ReduceProd(x, a, keep(c)))))
        .aten("amax", c -> c.set(fold(c, c.tensor("self"), (x, a) -> new Op.ReduceMax(x, a, keep(c)))))
        .aten("amin", c -> c.set(fold(c, c.tensor("self"), (x, a) -> new Op.ReduceMin(x, a, keep(c)))))
        .aten("max.default", c -> c.set(fold(c, c.tensor("self"), (x, a) -> new Op.ReduceMax(x, a, false))))
        .aten("min.default", c -> c.set(fold(c, c.tensor("self"), (x, a) -> new Op.ReduceMin(x, a, false))))
        .aten("any", c -> c.set(fold(c, Comparisons.truth(c, "self"),
            (x, a) -> new Op.ReduceMax(x, a, keep(c)))))
        .aten("all", c -> c.set(fold(c, Comparisons.truth(c, "self"),
            (x, a) -> new Op.ReduceMin(x, a, keep(c)))))
        .aten("count_nonzero",
            c -> c.set(c.e.sum(c.e.cast(Comparisons.truth(c, "self"), DType.I64), axes(c), false)))
        .aten("aminmax", Reductions::bothExtremes)
        .aten("argmax", c -> c.set(argument(c, true)))
        .aten("argmin", c -> c.set(argument(c, false)))
        .aten("max.dim", c -> extreme(c, true))
        .aten("min.dim", c -> extreme(c, false))
        .aten("logsumexp", Reductions::logSumExp)
        .aten("cumsum", c -> c.set(runningSum(c)))
        .aten("trace", Reductions::trace)
        .aten("histc", Reductions::histogram)
        .aten("searchsorted bucketize", Reductions::search);
  }

  private static Value typed(Call c) {
    return c.e.cast(c.tensor("self"), c.dtype());
  }

  private static boolean keep(Call c) {
    return c.flag("keepdim", false);
  }

  static List<Integer> axes(Call c) {
    return c.axes("dim", c.tensor("self").type().rank());
  }

  /// A reduction's op for operand and axes.
  @FunctionalInterface
  interface Fold {
    Op of(Value x, List<Integer> axes);
  }

  private static Value fold(Call c, Value x, Fold op) {
    List<Integer> axes = axes(c);
    return axes.isEmpty() ? x : c.e.of(op.of(x, axes));
  }

  private static Value withoutNan(Call c) {
    Value x = typed(c);
    return c.e.select(Comparisons.isNan(c.e, x), c.e.constant(0, x), x);
  }

  private static void bothExtremes(Call c) {
    c.set(0, fold(c, c.tensor("self"), (x, a) -> new Op.ReduceMin(x, a, keep(c))));
    c.set(1, fold(c, c.tensor("self"), (x, a) -> new Op.ReduceMax(x, a, keep(c))));
  }

  /// Order reversed without overflow: `~x` for integers, `-x` for floats.
  static Value reversed(Emit e, Value x) {
    return e.of(x.type().dtype().isFloat() ? new Op.Neg(x) : new Op.Not(x));
  }

  private static Value indexOf(Emit e, Value x, int axis, boolean largest) {
    return e.of(new Op.ArgMax(largest ? x : reversed(e, x), axis));
  }

  private static Value argument(Call c, boolean largest) {
    Value x = c.tensor("self");
    if (x.type().rank() == 0) {
      return c.e.constant(0, DType.I64);
    }
    if (!c.has("dim")) {
      return c.e.reshape(indexOf(c.e, c.e.flatten(x), 0, largest), c.shape());
    }
    return c.e.reshape(indexOf(c.e, x, c.axis("dim", 0, x.type().rank()), largest), c.shape());
  }

  private static void extreme(Call c, boolean largest) {
    Value x = c.tensor("self");
    if (x.type().rank() == 0) {
      c.set(0, x);
      c.set(1, c.e.constant(0, DType.I64));
      return;
    }
    int axis = c.axis("dim", 0, x.type().rank());
    List<Integer> axes = List.of(axis);
    c.set(0, c.e.of(largest ? new Op.ReduceMax(x, axes, keep(c)) : new Op.ReduceMin(x, axes, keep(c))));
    if (c.isRead(1)) {
      c.set(1, c.e.reshape(indexOf(c.e, x, axis, largest), c.type(1).shape()));
    }
  }

  private static void logSumExp(Call c) {
    Emit e = c.e;
    Value x = e.widen(typed(c));
    List<Integer> axes = axes(c);
    if (axes.isEmpty()) {
      c.set(x);
      return;
    }
    Value max = e.of(new Op.ReduceMax(x, axes, true));
    // Infinite rows: subtracting their maximum would give NaN.
    Value shift = e.select(Comparisons.isInfinite(e, max), e.constant(0, max), max);
    Value sum = e.of(new Op.ReduceSum(e.of(new Op.Exp(e.sub(x, shift))), axes, true));
    c.set(e.reshape(e.add(e.of(new Op.Log(sum)), shift), c.shape()));
  }

  private static Value runningSum(Call c) {
    Value x = typed(c);
    if (x.type().rank() == 0) {
      return x;
    }
    return c.e.of(new Op.CumSum(c.e.widen(x), c.axis("dim", 0, x.type().rank())));
  }

  private static void trace(Call c) {
    Value x = typed(c);
    Value offset = c.e.columnMinusRow(x.type().dim(0), x.type().dim(1));
    Value main = c.e.of(new Op.Eq(offset, c.e.constant(0, offset)));
    c.set(c.e.sum(c.e.select(main, x, c.e.constant(0, x)), List.of(0, 1), false));
  }

  /// Counts per bin of equal width; the last bin holds its upper edge too.
  private static void histogram(Call c) {
    Emit e = c.e;
    long bins = c.integer("bins", 100);
    double min = c.number("min", 0);
    double max = c.number("max", 0);
    if (min >= max) {
      throw new Refusal("a histogram without a range");
    }
    Value x = e.widen(e.flatten(c.tensor("self")));
    if (!x.type().dtype().isFloat()) {
      x = e.cast(x, DType.F64);
    }
    Value inside = e.of(new Op.And(
        e.of(new Op.Ge(x, e.constant(min, x))), e.of(new Op.Le(x, e.constant(max, x)))));
    Value scaled = e.div(e.mul(e.add(x, -min), bins), e.constant(max - min, x));
    Value bin = e.of(new Op.Min(e.cast(e.of(new Op.Floor(scaled)), DType.I64),
        e.constant(bins - 1, DType.I64)));
    Value column = e.of(new Op.Iota(dev.deepstack.tensor.Dim.of(bins)));
    Value hits = e.of(new Op.And(e.of(new Op.Eq(e.unsqueeze(bin, 1), column)), e.unsqueeze(inside, 1)));
    c.set(e.of(new Op.ReduceSum(e.cast(hits, DType.I64), List.of(0), false)));
  }

  /// The place of each value in a sorted row: how many elements are less (or not greater).
  private static void search(Call c) {
    Emit e = c.e;
    boolean buckets = c.has("boundaries");
    Value sorted = c.tensor(buckets ? "boundaries" : "sorted_sequence");
    Operand given = c.operand(buckets && c.has("input") ? "input" : "self");
    if (c.has("sorter") || sorted.type().rank() > 1 && given.tensor() == null) {
      throw new Refusal("a sorter");
    }
    DType type = Operand.promote(List.of(Operand.of(sorted), given));
    Value x = given.as(e, type);
    int rank = x.type().rank();
    Value row = e.cast(sorted, type);
    if (row.type().rank() > 1) {
      row = e.unsqueeze(row, row.type().rank() - 1);
    }
    boolean right = c.flag("right", false) || c.text("side", "left").equals("right");
    Value column = e.unsqueeze(x, rank);
    Value before = e.of(right ? new Op.Le(row, column) : new Op.Lt(row, column));
    c.set(e.of(new Op.ReduceSum(e.cast(before, DType.I64), List.of(rank), false)));
  }

  /// A reduction in f32 at least, over the axes of the call; scalars have none and pass through.
  static Value wide(Call c, Function<Value, Value> before, Fold op) {
    Value x = before.apply(c.e.widen(typed(c)));
    return fold(c, x, op);
  }
}
