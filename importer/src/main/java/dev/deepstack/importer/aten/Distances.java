package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.List;

/// Distances between rows.
final class Distances {
  private Distances() {}

  static void add(Operators.Builder table) {
    table.aten("cdist _cdist_forward", c -> c.set(between(c, c.tensor("x1"), c.tensor("x2"))))
        .aten("pdist _pdist_forward", Distances::amongRows)
        .aten("tril_indices", c -> triangle(c, true))
        .aten("triu_indices", c -> triangle(c, false));
  }

  /// The places of a triangle, row by row, as `[2,n]`.
  private static void triangle(Call c, boolean lower) {
    Emit e = c.e;
    Dim rows = c.dim("row", Dim.ONE);
    Dim columns = c.dim("col", Dim.ONE);
    Value offset = e.columnMinusRow(rows, columns);
    Value diagonal = e.constant(c.integer("offset", 0), offset);
    Value inside = e.of(lower ? new Op.Le(offset, diagonal) : new Op.Ge(offset, diagonal));
    Value at = DataSizes.placesOf(e, e.flatten(inside), c.shape().dim(1));
    List<Value> places = e.places(at, List.of(rows, columns));
    c.set(e.cast(e.of(new Op.Concat(places.stream().map(v -> e.unsqueeze(v, 0)).toList(), 0)), c.dtype()));
  }

  /// The distances of all pairs of rows, each pair once.
  private static void amongRows(Call c) {
    Emit e = c.e;
    Value x = c.tensor("self");
    Dim n = x.type().dim(0);
    Value all = between(c, x, x);
    Value offset = e.columnMinusRow(n, n);
    Value above = e.flatten(e.of(new Op.Ge(offset, e.constant(1, offset))));
    c.set(e.of(new Op.Gather(e.flatten(all), DataSizes.placesOf(e, above, c.shape().dim(0)), 0)));
  }

  /// `[…,m,d]` and `[…,n,d]` to `[…,m,n]`: the p-norm of every difference.
  private static Value between(Call c, Value x1, Value x2) {
    Emit e = c.e;
    Value a = e.widen(x1);
    Value b = e.widen(x2);
    double p = c.number("p", 2);
    Value left = e.unsqueeze(a, a.type().rank() - 1);
    Value right = e.unsqueeze(b, b.type().rank() - 2);
    Value distance = e.of(new Op.Abs(e.sub(left, right)));
    var last = List.of(distance.type().rank() - 1);
    if (p == 0) {
      return e.sum(e.cast(e.greater(distance, 0), distance.type().dtype()), last, false);
    } else if (p == 1) {
      return e.sum(distance, last, false);
    } else if (p == 2) {
      return e.of(new Op.Sqrt(e.sum(e.mul(distance, distance), last, false)));
    } else if (Double.isInfinite(p)) {
      return e.of(new Op.ReduceMax(distance, last, false));
    }
    Value powers = e.of(new Op.Pow(distance, e.constant(p, distance)));
    return e.of(new Op.Pow(e.sum(powers, last, false), e.constant(1 / p, distance)));
  }
}
