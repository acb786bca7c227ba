package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import java.util.List;

/// Distances between rows.
final class Distances {
  private Distances() {}

  static void add(Operators.Builder table) {
    table.aten("cdist _cdist_forward", Distances::between);
  }

  /// `[…,m,d]` and `[…,n,d]` to `[…,m,n]`: the p-norm of every difference.
  private static void between(Call c) {
    Emit e = c.e;
    Value a = e.widen(c.tensor("x1"));
    Value b = e.widen(c.tensor("x2"));
    double p = c.number("p", 2);
    Value left = e.unsqueeze(a, a.type().rank() - 1);
    Value right = e.unsqueeze(b, b.type().rank() - 2);
    Value distance = e.of(new Op.Abs(e.sub(left, right)));
    var last = List.of(distance.type().rank() - 1);
    if (p == 0) {
      c.set(e.sum(e.cast(e.greater(distance, 0), distance.type().dtype()), last, false));
    } else if (p == 1) {
      c.set(e.sum(distance, last, false));
    } else if (p == 2) {
      c.set(e.of(new Op.Sqrt(e.sum(e.mul(distance, distance), last, false))));
    } else if (Double.isInfinite(p)) {
      c.set(e.of(new Op.ReduceMax(distance, last, false)));
    } else {
      Value powers = e.of(new Op.Pow(distance, e.constant(p, distance)));
      c.set(e.of(new Op.Pow(e.sum(powers, last, false), e.constant(1 / p, distance))));
    }
  }
}
