package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/// Operators whose results are as large as the data make them. Each counts, binds the symbol that the file has for the
/// count, and finds its elements by running sums.
final class DataSizes {
  private DataSizes() {}

  static void add(Operators.Builder table) {
    table.aten("nonzero", DataSizes::nonzero)
        .aten("nonzero_numpy", c -> nonzeroNumpy(c, "self"))
        .aten("where.default", c -> nonzeroNumpy(c, "condition"))
        .aten("masked_select", DataSizes::maskedSelect)
        .aten("repeat_interleave.Tensor", c -> c.set(repeated(c.e, c.tensor("repeats"), c.shape().dim(0))))
        .aten("repeat_interleave.self_Tensor", DataSizes::repeatInterleave)
        .aten("_unique2 unique2", c -> unique(c, true))
        .aten("unique_consecutive", c -> unique(c, false));
  }

  private static Value isTrue(Emit e, Value x) {
    return e.cast(x, DType.BOOL);
  }

  /// Inclusive running count of what is true in a row.
  private static Value counts(Emit e, Value flat) {
    return e.of(new Op.CumSum(e.cast(flat, DType.I64), 0));
  }

  /// Where a row of truth values is true: as many indices as `size`, which is bound to their number.
  static Value positions(Emit e, Value flat, Dim size) {
    e.bind(size, e.of(new Op.ReduceSum(e.cast(flat, DType.I64), List.of(0), false)));
    return placesOf(e, flat, size);
  }

  /// The same where their number is known to be `size`.
  static Value placesOf(Emit e, Value flat, Dim size) {
    Dim n = flat.type().dim(0);
    // What is false goes to a place behind all others.
    Value slot = e.select(flat, e.add(counts(e, flat), -1), e.dim(n, DType.I64));
    Value zeros = e.full(0, DType.I64, Shape.of(n.plus(1)));
    Value all = e.of(new Op.Scatter(zeros, slot, e.of(new Op.Iota(n)), 0, Op.Combine.SET));
    return e.slice(all, 0, Dim.ZERO, size, 1);
  }

  /// Indices along each axis of what is true, in row-major order.
  static List<Value> columns(Emit e, Value mask, Dim size) {
    return e.places(positions(e, e.flatten(isTrue(e, mask)), size), mask.type().shape().dims());
  }

  private static void nonzero(Call c) {
    Value x = c.tensor("self");
    Dim size = c.shape().dim(0);
    if (x.type().rank() == 0) {
      c.e.bind(size, c.e.cast(isTrue(c.e, x), DType.I64));
      c.set(c.e.full(0, DType.I64, Shape.of(size, Dim.ZERO)));
      return;
    }
    List<Value> columns = columns(c.e, x, size).stream().map(v -> c.e.unsqueeze(v, 1)).toList();
    c.set(columns.size() == 1 ? columns.getFirst() : c.e.of(new Op.Concat(columns, 1)));
  }

  private static void nonzeroNumpy(Call c, String mask) {
    List<Value> columns = columns(c.e, c.tensor(mask), c.shape().dim(0));
    for (int i = 0; i < columns.size(); i++) {
      c.set(i, columns.get(i));
    }
  }

  private static void maskedSelect(Call c) {
    Value x = c.tensor("self");
    Value mask = c.tensor("mask");
    Value sum = c.e.of(new Op.Select(mask, x, x));
    Shape common = sum.type().shape();
    Value at = positions(c.e, c.e.flatten(c.e.expand(mask, common)), c.shape().dim(0));
    c.set(c.e.of(new Op.Gather(c.e.flatten(c.e.expand(x, common)), at, 0)));
  }

  /// For each element that is true the next row of `rows`, in order; anything where it is false. Rows that are not
  /// there are a fault.
  static Value next(Emit e, Value mask, Value rows) {
    Value flat = e.flatten(mask);
    Value which = e.of(new Op.Max(e.add(counts(e, flat), -1), e.constant(0, DType.I64)));
    e.check("a mask chooses more elements than there are values for them; change the inputs",
        e.of(new Op.Le(e.of(new Op.ReduceSum(e.cast(flat, DType.I64), List.of(0), false)),
            e.dim(rows.type().dim(0), DType.I64))));
    int rank = rows.type().rank();
    var none = new ArrayList<>(java.util.Collections.nCopies(rank, Dim.ZERO));
    var one = new ArrayList<>(none);
    one.set(0, Dim.ONE);
    // A row more, so that there is one to look at where nothing is true.
    Value padded = e.of(new Op.Pad(rows, none, one, 0));
    return e.of(new Op.Gather(padded, e.reshape(which, mask.type().shape()), 0));
  }

  /// Which element each place of the result comes from, where element `i` comes `counts[i]` times.
  private static Value repeated(Emit e, Value counts, Dim size) {
    Value times = e.cast(counts, DType.I64);
    e.bind(size, e.of(new Op.ReduceSum(times, List.of(0), false)));
    Value starts = e.of(new Op.Sub(e.of(new Op.CumSum(times, 0)), times));
    Value zeros = e.full(0, DType.I64, Shape.of(size.plus(1)));
    Value ones = e.full(1, DType.I64, times.type().shape());
    Value marks = e.of(new Op.Scatter(zeros, starts, ones, 0, Op.Combine.ADD));
    return e.add(e.of(new Op.CumSum(e.slice(marks, 0, Dim.ZERO, size, 1), 0)), -1);
  }

  private static void repeatInterleave(Call c) {
    Value x = c.tensor("self");
    int axis = c.has("dim") ? c.axis("dim", 0, x.type().rank()) : 0;
    Value from = c.has("dim") ? x : c.e.flatten(x);
    Value counts = c.tensor("repeats");
    if (counts.type().shape().elements().is(1)) {
      counts = c.e.expand(c.e.reshape(counts, Shape.of(Dim.ONE)), Shape.of(from.type().dim(axis)));
    }
    Value which = repeated(c.e, counts, c.shape().dim(axis));
    c.set(c.e.of(new Op.Gather(from, which, axis)));
  }

  private static void unique(Call c, boolean sorted) {
    if (c.has("dim")) {
      throw new Refusal("unique rows");
    }
    Emit e = c.e;
    Value x = e.flatten(c.tensor("self"));
    Dim n = x.type().dim(0);
    Value order = sorted ? e.of(new Op.ArgSort(x, false)) : e.of(new Op.Iota(n));
    Value row = sorted ? e.of(new Op.Gather(x, order, 0)) : x;
    // The first element of all is compared with itself, so that there may be none.
    Value place = e.of(new Op.Iota(n));
    Value before = e.of(new Op.Max(e.add(place, -1), e.constant(0, DType.I64)));
    Value differs = e.of(new Op.Ne(row, e.of(new Op.Gather(row, before, 0))));
    Value first = e.of(new Op.Or(differs, e.of(new Op.Eq(place, e.constant(0, DType.I64)))));
    Dim size = c.shape().dim(0);
    c.set(0, e.of(new Op.Gather(row, positions(e, first, size), 0)));
    Value group = e.add(counts(e, first), -1);
    if (c.isRead(1)) {
      Value inverse = sorted
          ? e.of(new Op.Scatter(e.full(0, DType.I64, Shape.of(n)), order, group, 0, Op.Combine.SET)) : group;
      c.set(1, e.reshape(inverse, c.type(1).shape()));
    }
    if (c.isRead(2)) {
      c.set(2, e.of(new Op.Scatter(e.full(0, DType.I64, Shape.of(size)), group, e.full(1, DType.I64, Shape.of(n)), 0,
          Op.Combine.ADD)));
    }
  }
}
