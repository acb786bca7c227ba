package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;

/// Products of vectors and of whole tensors, and rows held to a length.
final class Products {
  private Products() {}

  static void add(Operators.Builder table) {
    table.aten("cross linalg_cross", Products::cross)
        .aten("kron", Products::kronecker)
        .aten("renorm", Products::shortened);
  }

  /// `a[1]*b[2] - a[2]*b[1]` and so on, along an axis of three.
  private static void cross(Call c) {
    Emit e = c.e;
    Value a = e.expand(e.cast(c.tensor("self"), c.dtype()), c.shape());
    Value b = e.expand(e.cast(c.tensor("other"), c.dtype()), c.shape());
    int rank = c.shape().rank();
    int axis = c.has("dim") ? c.axis("dim", -1, rank) : firstOfThree(c);
    c.set(e.sub(e.mul(turned(e, a, axis, 1), turned(e, b, axis, 2)),
        e.mul(turned(e, a, axis, 2), turned(e, b, axis, 1))));
  }

  /// `linalg_cross` takes the last axis, the older operator the first one of three.
  private static int firstOfThree(Call c) {
    int rank = c.shape().rank();
    if (c.isNamed("linalg_cross")) {
      return rank - 1;
    }
    for (int i = 0; i < rank; i++) {
      if (c.shape().dim(i).is(3)) {
        return i;
      }
    }
    throw new Refusal("no axis of three");
  }

  private static Value turned(Emit e, Value x, int axis, long by) {
    Dim first = Dim.of(by);
    Dim rest = Dim.of(3 - by);
    return e.of(new Op.Concat(List.of(e.slice(x, axis, first, rest, 1), e.slice(x, axis, Dim.ZERO, first, 1)), axis));
  }

  /// Every element of the first times the whole second.
  private static void kronecker(Call c) {
    Emit e = c.e;
    Value a = e.cast(c.tensor("self"), c.dtype());
    Value b = e.cast(c.tensor("other"), c.dtype());
    int rank = Math.max(a.type().rank(), b.type().rank());
    c.set(e.reshape(e.mul(apart(e, a, rank, true), apart(e, b, rank, false)), c.shape()));
  }

  private static Value apart(Emit e, Value x, int rank, boolean first) {
    var dims = new ArrayList<Dim>();
    for (int i = 0; i < rank; i++) {
      int axis = i - rank + x.type().rank();
      Dim extent = axis < 0 ? Dim.ONE : x.type().dim(axis);
      dims.add(first ? extent : Dim.ONE);
      dims.add(first ? Dim.ONE : extent);
    }
    return e.reshape(x, dims);
  }

  /// Slices along an axis whose norm is too large are scaled down to it.
  private static void shortened(Call c) {
    Emit e = c.e;
    Value x = c.tensor("self");
    Value wide = e.widen(x);
    int axis = c.axis("dim", 0, x.type().rank());
    var others = new ArrayList<>(Emit.axes(x.type().rank()));
    others.remove(Integer.valueOf(axis));
    double p = c.number("p", 2);
    double max = c.number("maxnorm", 1);
    Value size = e.of(new Op.Abs(wide));
    Value norm;
    if (Double.isInfinite(p)) {
      norm = e.of(new Op.ReduceMax(size, others, true));
    } else {
      Value sum = e.sum(p == 2 ? e.mul(size, size) : p == 1 ? size : e.of(new Op.Pow(size, e.constant(p, size))),
          others, true);
      norm = p == 1 ? sum : p == 2 ? e.of(new Op.Sqrt(sum)) : e.of(new Op.Pow(sum, e.constant(1 / p, sum)));
    }
    Value factor = e.select(e.greater(norm, max), e.div(e.constant(max, norm), e.add(norm, 1e-7)), e.constant(1, norm));
    c.set(e.mul(wide, factor));
  }
}
