package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/// Images in another size: each axis by itself, by gathering the neighbours of every position.
final class Resizing {
  private static final double CUBIC = -0.75;
  private static final double CUBIC_SMOOTH = -0.5;

  private Resizing() {}

  static void add(Operators.Builder table) {
    for (int space = 1; space <= 3; space++) {
      int axes = space;
      table.aten("upsample_nearest" + space + "d", c -> resize(c, axes, axis -> nearest(axis, 0)))
          .aten("_upsample_nearest_exact" + space + "d", c -> resize(c, axes, axis -> nearest(axis, 0.5)));
    }
    table.aten("upsample_linear1d", c -> resize(c, 1, Resizing::linear))
        .aten("upsample_bilinear2d", c -> resize(c, 2, Resizing::linear))
        .aten("upsample_trilinear3d", c -> resize(c, 3, Resizing::linear))
        .aten("upsample_bicubic2d", c -> resize(c, 2, Resizing::cubic))
        .aten("_upsample_bilinear2d_aa", c -> resize(c, 2, axis -> smooth(axis, 1, x -> triangle(axis.e, x))))
        .aten("_upsample_bicubic2d_aa",
            c -> resize(c, 2, axis -> smooth(axis, 2, x -> cubicWeight(axis.e, x, CUBIC_SMOOTH))));
  }

  /// One axis of one call.
  ///
  /// @param step how far positions of the result are apart in the source, a scalar f32
  private record Axis(Emit e, Value x, int axis, Dim from, Dim to, Value step, boolean corners) {
    Value f32(double v) {
      return e.constant(v, DType.F32);
    }

    /// `0, 1, …` as f32.
    Value positions() {
      return e.cast(e.of(new Op.Iota(to)), DType.F32);
    }

    /// Where each element of the result lies in the source, on the real line.
    Value source() {
      return corners ? e.mul(positions(), step) : e.add(e.mul(e.add(positions(), 0.5), step), -0.5);
    }

    /// An f32 index within the axis, as integers.
    Value index(Value v) {
      Value last = e.dim(from.minus(1), DType.F32);
      Value inside = e.of(new Op.Max(e.of(new Op.Min(v, last)), f32(0)));
      return e.cast(inside, DType.I64);
    }

    Value take(Value index) {
      return e.of(new Op.Gather(x, index, axis));
    }

    /// A value per position, to stand against the axis.
    Value column(Value v) {
      var dims = new ArrayList<>(java.util.Collections.nCopies(x.type().rank() - axis, Dim.ONE));
      dims.set(0, to);
      return e.reshape(e.cast(v, x.type().dtype()), dims);
    }
  }

  private static void resize(Call c, int space, java.util.function.Function<Axis, Value> along) {
    Emit e = c.e;
    Value x = e.widen(c.tensor(c.has("input") ? "input" : "self"));
    boolean corners = c.flag("align_corners", false);
    int first = x.type().rank() - space;
    Value y = x;
    for (int i = 0; i < space; i++) {
      Dim from = x.type().dim(first + i);
      Dim to = c.shape().dim(first + i);
      y = along.apply(new Axis(e, y, first + i, from, to, step(c, i, space, from, to, corners), corners));
    }
    c.set(y);
  }

  /// The step as PyTorch takes it: from the factor that was given, else from the sizes.
  private static Value step(Call c, int i, int space, Dim from, Dim to, boolean corners) {
    Emit e = c.e;
    if (corners) {
      Value distance = e.dim(to.minus(1), DType.F32);
      Value ratio = e.div(e.dim(from.minus(1), DType.F32), e.of(new Op.Max(distance, e.constant(1, DType.F32))));
      return e.select(e.greater(distance, 0), ratio, e.constant(0, DType.F32));
    }
    double factor = 0;
    if (c.has("scale_factors")) {
      factor = c.numbers("scale_factors").get(i);
    } else {
      String name = space == 1 ? "scales" : "scales_" + "dhw".substring(3 - space).charAt(i);
      factor = c.number(name, 0);
    }
    return factor > 0 ? e.constant(Emit.round(1 / factor, DType.F32), DType.F32)
        : e.div(e.dim(from, DType.F32), e.dim(to, DType.F32));
  }

  private static Value nearest(Axis a, double shift) {
    Value at = shift == 0 ? a.positions() : a.e.add(a.positions(), shift);
    return a.take(a.index(a.e.of(new Op.Floor(a.e.mul(at, a.step)))));
  }

  private static Value linear(Axis a) {
    Emit e = a.e;
    Value at = e.of(new Op.Max(a.source(), a.f32(0)));
    Value low = e.of(new Op.Floor(at));
    Value high = a.column(e.sub(at, low));
    Value below = e.mul(a.take(a.index(low)), e.sub(e.constant(1, high), high));
    return e.add(below, e.mul(a.take(a.index(e.add(low, 1))), high));
  }

  private static Value cubic(Axis a) {
    Emit e = a.e;
    Value at = a.source();
    Value low = e.of(new Op.Floor(at));
    Value t = e.sub(at, low);
    Value sum = null;
    for (int tap = -1; tap <= 2; tap++) {
      Value distance = e.of(new Op.Abs(e.add(t, -tap)));
      Value part = e.mul(a.take(a.index(e.add(low, tap))), a.column(cubicWeight(e, distance, CUBIC)));
      sum = sum == null ? part : e.add(sum, part);
    }
    return java.util.Objects.requireNonNull(sum);
  }

  /// Keys' kernel at a distance, 0 from 2 on.
  private static Value cubicWeight(Emit e, Value x, double a) {
    Value d = e.of(new Op.Abs(x));
    // (a+2) d^3 - (a+3) d^2 + 1
    Value near = e.add(e.mul(e.mul(e.add(e.mul(d, a + 2), -(a + 3)), d), d), 1);
    // a d^3 - 5a d^2 + 8a d - 4a
    Value far = e.add(e.mul(e.add(e.mul(e.add(e.mul(d, a), -5 * a), d), 8 * a), d), -4 * a);
    return e.select(e.less(d, 1), near, e.select(e.less(d, 2), far, e.constant(0, d)));
  }

  private static Value triangle(Emit e, Value x) {
    return e.of(new Op.Max(e.sub(e.constant(1, x), e.of(new Op.Abs(x))), e.constant(0, x)));
  }

  /// With a filter as wide as the step: each row of the result is a weighted mean of all elements it covers.
  private static Value smooth(Axis a, double reach, UnaryOperator<Value> filter) {
    Emit e = a.e;
    Value scale = e.of(new Op.Max(a.step, a.f32(1)));
    Value support = e.mul(scale, reach);
    Value centre = a.corners ? e.add(e.mul(a.positions(), a.step), 0.5)
        : e.mul(e.add(a.positions(), 0.5), a.step);
    Value at = e.reshape(e.cast(e.of(new Op.Iota(a.from)), DType.F32), Shape.of(a.from, Dim.ONE));
    Value low = e.of(new Op.Trunc(e.of(new Op.Max(e.add(e.sub(centre, support), 0.5), a.f32(0)))));
    Value high = e.of(new Op.Trunc(e.add(e.add(centre, support), 0.5)));
    Value inside = e.of(new Op.And(e.of(new Op.Ge(at, low)), e.of(new Op.Lt(at, high))));
    Value distance = e.div(e.add(e.sub(at, centre), 0.5), scale);
    Value masked = e.select(inside, filter.apply(distance), a.f32(0));
    Value weights = e.div(masked, e.of(new Op.ReduceSum(masked, List.of(0), true)));
    return along(e, a.x, a.axis, e.cast(weights, a.x.type().dtype()));
  }

  /// An axis of `x` times a matrix `[extent, size]`.
  static Value along(Emit e, Value x, int axis, Value weights) {
    int last = x.type().rank() - 1;
    Value rows = e.permute(x, Emit.moved(last + 1, axis, last));
    return e.permute(e.of(new Op.MatMul(rows, weights)), Emit.moved(last + 1, last, axis));
  }
}
