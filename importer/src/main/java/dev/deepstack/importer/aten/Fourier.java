package dev.deepstack.importer.aten;

import dev.deepstack.importer.aten.ComplexNumbers.Complex;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Fourier transforms, of signals and of frames.
final class Fourier {
  /// What a family of operators does on its last axis: complex to complex, the first half of a real one's result, or
  /// a real result from such a half.
  private enum Kind { COMPLEX, FROM_REAL, TO_REAL }

  private Fourier() {}

  static void add(Operators.Builder table) {
    table.aten("_fft_c2c", c -> core(c, Kind.COMPLEX, !c.flag("forward", true)))
        .aten("_fft_r2c", c -> core(c, Kind.FROM_REAL, false))
        .aten("_fft_c2r", c -> core(c, Kind.TO_REAL, true))
        .aten("fft_fftshift", c -> shift(c, false))
        .aten("fft_ifftshift", c -> shift(c, true))
        .aten("fft_fftfreq", c -> frequencies(c, false))
        .aten("fft_rfftfreq", c -> frequencies(c, true))
        .aten("stft", Fourier::frames)
        .aten("istft", Fourier::signal);
    family(table, "fft", Kind.COMPLEX, false);
    family(table, "ifft", Kind.COMPLEX, true);
    family(table, "rfft", Kind.FROM_REAL, false);
    family(table, "irfft", Kind.TO_REAL, true);
  }

  private static void family(Operators.Builder table, String name, Kind kind, boolean inverse) {
    table.aten("fft_" + name, c -> one(c, kind, inverse))
        .aten("fft_" + name + "2", c -> many(c, kind, inverse, 2))
        .aten("fft_" + name + "n", c -> many(c, kind, inverse, 0));
  }

  // ---- transforms

  private static Complex input(Call c) {
    return c.isComplex("self") ? ComplexNumbers.apart(c.e, c.tensor("self"))
        : new Complex(c.e.cast(c.tensor("self"), c.dtype()), null);
  }

  private static void core(Call c, Kind kind, boolean inverse) {
    Complex x = input(c);
    List<Integer> axes = c.axesInOrder("dim", x.re().type().rank());
    Dim last = kind == Kind.TO_REAL ? c.dim("last_dim_size", Dim.ONE) : null;
    transform(c, x, axes, last, kind, inverse, switch ((int) c.integer("normalization", 0)) {
      case 1 -> 0.5;
      case 2 -> 1;
      default -> 0;
    });
  }

  /// How often the length divides: for a forward or inverse transform by the text of `norm`.
  private static double power(Call c, boolean inverse) {
    return switch (c.text("norm", "backward")) {
      case "ortho" -> 0.5;
      case "forward" -> inverse ? 0 : 1;
      default -> inverse ? 1 : 0;
    };
  }

  private static void one(Call c, Kind kind, boolean inverse) {
    Complex x = input(c);
    int axis = c.axis("dim", -1, x.re().type().rank());
    Dim n = c.has("n") ? c.dim("n", Dim.ONE) : null;
    several(c, x, List.of(axis), n == null ? List.of() : List.of(n), kind, inverse);
  }

  /// @param usual how many axes where the call names none, 0 for all
  private static void many(Call c, Kind kind, boolean inverse, int usual) {
    Complex x = input(c);
    int rank = x.re().type().rank();
    List<Dim> sizes = c.has("s") ? c.dims("s") : List.of();
    List<Integer> axes = c.has("dim") ? c.axesInOrder("dim", rank)
        : Emit.axes(rank).subList(rank - (usual > 0 ? usual : sizes.isEmpty() ? rank : sizes.size()), rank);
    several(c, x, axes, sizes, kind, inverse);
  }

  private static void several(Call c, Complex given, List<Integer> axes, List<Dim> sizes, Kind kind, boolean inverse) {
    Complex x = given;
    int count = axes.size();
    for (int i = 0; i < Math.min(count, sizes.size()); i++) {
      boolean half = kind == Kind.TO_REAL && i == count - 1;
      x = half || sizes.get(i).is(-1) ? x : Transform.resized(c.e, x, axes.get(i), sizes.get(i));
    }
    Dim extent = x.re().type().dim(axes.getLast());
    Dim size = sizes.isEmpty() || sizes.getLast().is(-1) ? extent.minus(1).times(2) : sizes.getLast();
    transform(c, x, axes, kind == Kind.TO_REAL ? size : null, kind, inverse, power(c, inverse));
  }

  /// @param last the length of the last axis of a real result
  /// @param power what of the product of the lengths divides the result
  private static void transform(Call c, Complex given, List<Integer> axes, @Nullable Dim last, Kind kind,
      boolean inverse, double power) {
    Emit e = c.e;
    var transform = new Transform(e, inverse);
    Complex x = given;
    Dim count = Dim.ONE;
    int end = axes.getLast();
    if (kind == Kind.FROM_REAL) {
      count = x.re().type().dim(end);
      boolean half = !c.shape().dim(end).equals(count) || count.is(1);
      x = transform.along(x, end);
      x = half ? Transform.sliced(e, x, end, count.floorDiv(2).plus(1)) : x;
    }
    for (int axis : kind == Kind.COMPLEX ? axes : axes.subList(0, axes.size() - 1)) {
      count = count.times(x.re().type().dim(axis));
      x = transform.along(x, axis);
    }
    if (last != null) {
      count = count.times(last);
      x = new Complex(transform.along(Transform.whole(e, x, end, last), end).re(), null);
    }
    if (power != 0) {
      Value n = e.dim(count, DType.F64);
      Value factor = e.div(e.constant(1, DType.F64), power == 1 ? n : e.of(new Op.Sqrt(n)));
      x = Transform.scaled(e, x, e.cast(factor, x.re().type().dtype()));
    }
    c.set(kind == Kind.TO_REAL ? x.re() : ComplexNumbers.pair(e, x));
  }

  private static void shift(Call c, boolean back) {
    Value x = c.tensor("self");
    List<Integer> axes = c.has("dim") ? c.axesInOrder("dim", x.type().rank()) : Emit.axes(x.type().rank());
    for (int axis : axes) {
      Dim n = x.type().dim(axis);
      Dim first = back ? n.floorDiv(2) : n.plus(1).floorDiv(2);
      x = c.e.of(new Op.Concat(List.of(c.e.slice(x, axis, first, n.minus(first), 1),
          c.e.slice(x, axis, Dim.ZERO, first, 1)), axis));
    }
    c.set(x);
  }

  private static void frequencies(Call c, boolean half) {
    Emit e = c.e;
    Dim n = c.dim("n", Dim.ONE);
    Value k = e.of(new Op.Iota(c.shape().dim(0)));
    if (!half) {
      Value size = e.dim(n, DType.I64);
      Value low = e.of(new Op.Lt(k, e.dim(n.plus(1).floorDiv(2), DType.I64)));
      k = e.select(low, k, e.sub(k, size));
    }
    double d = c.number("d", 1);
    c.set(e.cast(e.div(e.cast(k, DType.F64), e.mul(e.dim(n, DType.F64), d)), c.dtype()));
  }

  // ---- frames

  private static Value window(Call c, Dim size, DType dtype) {
    Dim given = c.dim("win_length", size);
    Value window = c.has("window") ? c.e.cast(c.tensor("window"), dtype) : c.e.full(1, dtype, Shape.of(given));
    Dim before = size.minus(given).floorDiv(2);
    Dim after = size.minus(given).minus(before);
    return before.is(0) && after.is(0) ? window
        : c.e.of(new Op.Pad(window, List.of(before), List.of(after), 0));
  }

  private static int constant(Call c, String name, long otherwise) {
    long n = c.integer(name, otherwise);
    if (n < 1 || n > Integer.MAX_VALUE) {
      throw new Refusal("argument " + name + " out of range");
    }
    return (int) n;
  }

  /// `stft`: `[b?,l]` to `[b?,frequencies,frames]`.
  private static void frames(Call c) {
    Emit e = c.e;
    int size = constant(c, "n_fft", 1);
    int step = constant(c, "hop_length", Math.max(1, size / 4));
    if (c.isComplex("self") || c.isComplex("window")) {
      throw new Refusal("frames of a complex signal");
    }
    Value x = c.tensor("self");
    Value rows = x.type().rank() == 1 ? e.unsqueeze(x, 0) : x;
    if (c.flag("center", false)) {
      rows = Padding.around(e, rows, size / 2, c.text("pad_mode", "reflect"));
    }
    Dim count = rows.type().dim(1).minus(size).floorDiv(step).plus(1);
    Value frames = e.of(new Op.Windows(rows, 1, count, size, step, 1));
    Value weighted = e.mul(frames, window(c, Dim.of(size), x.type().dtype()));
    Complex y = new Transform(e, false).apply(new Complex(weighted, null));
    if (c.flag("onesided", true)) {
      y = Transform.sliced(e, y, 2, Dim.of(size / 2 + 1));
    }
    if (c.flag("normalized", false)) {
      y = Transform.scaled(e, y, e.constant(1 / Math.sqrt(size), x.type().dtype()));
    }
    Value pairs = e.permute(ComplexNumbers.pair(e, y), List.of(0, 2, 1, 3));
    c.set(e.reshape(pairs, c.shape()));
  }

  /// `istft`: overlapping frames are added, and divided by the sum of the squared windows there.
  private static void signal(Call c) {
    Emit e = c.e;
    Dim size = c.dim("n_fft", Dim.ONE);
    int step = constant(c, "hop_length", Math.max(1, size.constant() / 4));
    if (c.flag("return_complex", false) || !c.isComplex("self")) {
      throw new Refusal("a complex signal");
    }
    Value z = c.tensor("self");
    Value rows = z.type().rank() == 3 ? e.unsqueeze(z, 0) : z;
    Complex spectrum = ComplexNumbers.apart(e, e.permute(rows, List.of(0, 2, 1, 3)));
    Dim batch = spectrum.re().type().dim(0);
    Dim count = spectrum.re().type().dim(1);
    DType dtype = spectrum.re().type().dtype();
    boolean half = c.flag("onesided", !spectrum.re().type().dim(2).equals(size));
    Complex whole = half ? Transform.whole(e, spectrum, 2, size) : spectrum;
    double scale = 1 / (c.flag("normalized", false) ? Math.sqrt(size.constant()) : size.constant());
    Value window = window(c, size, dtype);
    Value frames = e.mul(e.mul(new Transform(e, true).apply(whole).re(), scale), window);
    Dim length = count.minus(1).times(step).plus(size);
    Value at = e.flatten(e.add(e.unsqueeze(e.range(Dim.ZERO, count, step), 1), e.of(new Op.Iota(size))));
    Value sum = overlapped(e, frames, at, batch, length);
    Value weights = e.expand(e.mul(window, window), Shape.of(Dim.ONE, count, size));
    Value y = e.div(sum, overlapped(e, weights, at, Dim.ONE, length));
    Dim start = c.flag("center", true) ? size.floorDiv(2) : Dim.ZERO;
    List<Dim> result = new ArrayList<>(c.shape().dims());
    Dim wanted = result.getLast();
    Dim there = length.minus(start);
    Dim more = wanted.minus(there);
    boolean longer = more.isConstant() && more.constant() > 0;
    y = e.slice(y, 1, start, longer ? there : wanted, 1);
    c.set(e.reshape(Transform.resized(e, y, 1, wanted), c.shape()));
  }

  private static Value overlapped(Emit e, Value frames, Value at, Dim batch, Dim length) {
    Value zeros = e.full(0, frames.type().dtype(), Shape.of(batch, length));
    Value flat = e.reshape(frames, Shape.of(batch, at.type().dim(0)));
    return e.of(new Op.Scatter(zeros, at, flat, 1, Op.Combine.ADD));
  }
}
