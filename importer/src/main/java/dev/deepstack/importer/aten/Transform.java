package dev.deepstack.importer.aten;

import dev.deepstack.importer.aten.ComplexNumbers.Complex;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The discrete Fourier transform of the last axis as matrix products: a length `a * b` as `a` and `b` with a turn
/// between them, and so on down to short ones; a prime or dynamic length as one product of that size.
final class Transform {
  /// Up to here one matrix is cheaper than two with a turn between them.
  private static final long DIRECT_MAX = 32;

  private final Emit e;
  private final int sign;

  /// @param inverse turns the other way; nothing is divided by the length
  Transform(Emit e, boolean inverse) {
    this.e = e;
    this.sign = inverse ? 1 : -1;
  }

  /// `x […,n]` to `[…,n]`.
  Complex apply(Complex x) {
    Shape shape = x.re().type().shape();
    int last = shape.rank() - 1;
    Dim rows = shape.without(last).elements();
    Dim n = shape.dim(last);
    Complex y = rows(map(x, v -> e.reshape(v, Shape.of(rows, n))), n);
    return map(y, v -> e.reshape(v, shape));
  }

  private static Complex map(Complex x, Function<Value, Value> f) {
    Value im = x.im();
    return new Complex(f.apply(x.re()), im == null ? null : f.apply(im));
  }

  /// `[r,n]` to `[r,n]`.
  private Complex rows(Complex x, Dim n) {
    if (n.is(1)) {
      return x;
    }
    long a = n.isConstant() && n.constant() > DIRECT_MAX ? factor(n.constant()) : 1;
    if (a == 1) {
      return product(x, turns(Dim.ONE, n, n, n));
    }
    Dim first = Dim.of(a);
    Dim second = Dim.of(n.constant() / a);
    Dim r = x.re().type().dim(0);
    // Element j1*b + j2 of the row is element (j2, j1) here; the short transform goes over j1.
    Complex y = map(x, v -> e.reshape(e.permute(e.reshape(v, Shape.of(r, first, second)), List.of(0, 2, 1)),
        Shape.of(r.times(second), first)));
    y = rows(y, first);
    y = map(y, v -> e.reshape(v, Shape.of(r, second, first)));
    y = turned(y, turns(Dim.ONE, second, first, n));
    y = map(y, v -> e.reshape(e.permute(v, List.of(0, 2, 1)), Shape.of(r.times(first), second)));
    y = rows(y, second);
    // Element (k1, k2) is number k1 + a*k2 of the result.
    return map(y, v -> e.reshape(e.permute(e.reshape(v, Shape.of(r, first, second)), List.of(0, 2, 1)),
        Shape.of(r, n)));
  }

  /// The largest divisor up to the root, so that both parts are about as long.
  private static long factor(long n) {
    for (long a = (long) Math.sqrt(n); a > 1; a--) {
      if (n % a == 0) {
        return a;
      }
    }
    return 1;
  }

  /// `exp(± 2 pi i step j k / n)` as `[rows,columns]`, in f64: the product is reduced as an integer first.
  private Complex turns(Dim step, Dim rows, Dim columns, Dim n) {
    Value j = e.unsqueeze(e.mul(e.of(new Op.Iota(rows)), e.dim(step, DType.I64)), 1);
    Value jk = e.of(new Op.Rem(e.mul(j, e.of(new Op.Iota(columns))), e.dim(n, DType.I64)));
    Value angle = e.div(e.mul(e.cast(jk, DType.F64), sign * 2 * Math.PI), e.dim(n, DType.F64));
    return new Complex(e.of(new Op.Cos(angle)), e.of(new Op.Sin(angle)));
  }

  private Complex turned(Complex x, Complex by) {
    Complex w = map(by, v -> e.cast(v, x.re().type().dtype()));
    return combined(x, v -> e.mul(v, w.re()), v -> e.mul(v, imaginary(w)));
  }

  private Complex product(Complex x, Complex matrix) {
    Complex w = map(matrix, v -> e.cast(v, x.re().type().dtype()));
    return combined(x, v -> e.of(new Op.MatMul(v, w.re())), v -> e.of(new Op.MatMul(v, imaginary(w))));
  }

  private static Value imaginary(Complex z) {
    return java.util.Objects.requireNonNull(z.im());
  }

  /// `x * w` where the two functions multiply with the parts of `w`.
  private Complex combined(Complex x, Function<Value, Value> re, Function<Value, Value> im) {
    Value y = x.im();
    return y == null ? new Complex(re.apply(x.re()), im.apply(x.re()))
        : new Complex(e.sub(re.apply(x.re()), im.apply(y)), e.add(im.apply(x.re()), re.apply(y)));
  }

  /// The transform along an axis.
  Complex along(Complex x, int axis) {
    int last = x.re().type().rank() - 1;
    Complex y = apply(map(x, v -> e.permute(v, Emit.moved(last + 1, axis, last))));
    return map(y, v -> e.permute(v, Emit.moved(last + 1, last, axis)));
  }

  /// The first `n` elements of an axis, with zeros after them where there are not as many.
  static Value resized(Emit e, Value x, int axis, @Nullable Dim n) {
    Dim extent = x.type().dim(axis);
    if (n == null || n.equals(extent)) {
      return x;
    }
    Dim more = n.minus(extent);
    if (more.isConstant() && more.constant() < 0) {
      return e.slice(x, axis, Dim.ZERO, n, 1);
    } else if (!more.isConstant()) {
      throw new Refusal("a transform of a length that may be above or below that of the axis");
    }
    var low = new ArrayList<Dim>();
    var high = new ArrayList<Dim>();
    for (int i = 0; i < x.type().rank(); i++) {
      low.add(Dim.ZERO);
      high.add(i == axis ? more : Dim.ZERO);
    }
    return e.of(new Op.Pad(x, low, high, 0));
  }

  static Complex resized(Emit e, Complex x, int axis, @Nullable Dim n) {
    return map(x, v -> resized(e, v, axis, n));
  }

  static Complex sliced(Emit e, Complex x, int axis, Dim size) {
    return map(x, v -> e.slice(v, axis, Dim.ZERO, size, 1));
  }

  static Complex scaled(Emit e, Complex x, Value by) {
    return map(x, v -> e.mul(v, by));
  }

  /// All `n` elements of an axis of which the second half is the first one conjugated and backwards.
  static Complex whole(Emit e, Complex half, int axis, Dim n) {
    Dim there = n.floorDiv(2).plus(1);
    Complex first = resized(e, half, axis, there);
    Dim rest = n.minus(there);
    if (rest.is(0)) {
      return first;
    }
    Complex back = map(first, v -> e.of(new Op.Slice(v, axis, rest, rest, -1)));
    Value im = back.im();
    return new Complex(e.of(new Op.Concat(List.of(first.re(), back.re()), axis)),
        im == null ? null : e.of(new Op.Concat(List.of(imaginary(first), e.of(new Op.Neg(im))), axis)));
  }
}
