package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Pooling over windows of the last one to three axes.
final class Pooling {
  private Pooling() {}

  static void add(Operators.Builder table) {
    for (int space = 1; space <= 3; space++) {
      int axes = space;
      table.aten("max_pool" + space + "d", c -> max(c, axes))
          .aten("max_pool" + space + "d_with_indices", c -> max(c, axes))
          .aten("avg_pool" + space + "d", c -> average(c, axes))
          .aten("adaptive_avg_pool" + space + "d", c -> adaptiveAverage(c, axes))
          .aten("adaptive_max_pool" + space + "d", c -> adaptiveMax(c, axes));
    }
    table.aten("_adaptive_avg_pool2d", c -> adaptiveAverage(c, 2))
        .aten("_adaptive_avg_pool3d", c -> adaptiveAverage(c, 3));
  }

  /// The geometry of one call: all lists have an entry per pooled axis.
  private record Geometry(
      List<Integer> size, List<Integer> stride, List<Integer> padding, List<Integer> dilation, List<Dim> counts) {
    static Geometry of(Call c, int space) {
      List<Integer> size = Convolutions.perAxis(c, "kernel_size", 1, space);
      boolean given = c.has("stride") && !c.dims("stride").isEmpty();
      Shape result = c.shape();
      return new Geometry(size, given ? Convolutions.perAxis(c, "stride", 1, space) : size,
          Convolutions.perAxis(c, "padding", 0, space), Convolutions.perAxis(c, "dilation", 1, space),
          result.dims().subList(result.rank() - space, result.rank()));
    }

    int space() {
      return size.size();
    }

    /// Elements after the end that the last window reaches; negative where it ends before.
    Dim after(int i, Dim extent) {
      long reach = (long) dilation.get(i) * (size.get(i) - 1) + 1;
      return counts.get(i).minus(1).times(stride.get(i)).plus(reach).minus(extent).minus(padding.get(i));
    }

    /// `[…, d…] -> […, e0, k0, e1, k1 …]`, with `outside` around.
    Value windows(Emit e, Value x, double outside) {
      int first = x.type().rank() - space();
      var low = new ArrayList<>(Collections.nCopies(x.type().rank(), Dim.ZERO));
      var high = new ArrayList<>(low);
      boolean padded = false;
      for (int i = 0; i < space(); i++) {
        Dim after = after(i, x.type().dim(first + i));
        // A window that ends before the last element leaves it alone.
        boolean known = after.isConstant() && after.constant() <= 0;
        low.set(first + i, Dim.of(padding.get(i)));
        high.set(first + i, known ? Dim.ZERO : after.isConstant() ? after : after.max(Dim.ZERO));
        padded |= padding.get(i) > 0 || !known;
      }
      Value y = padded ? e.of(new Op.Pad(x, low, high, outside)) : x;
      for (int i = 0; i < space(); i++) {
        y = e.of(new Op.Windows(y, first + 2 * i, counts.get(i), size.get(i), stride.get(i), dilation.get(i)));
      }
      return y;
    }

    List<Integer> taps(Value windows) {
      int first = windows.type().rank() - 2 * space();
      var axes = new ArrayList<Integer>();
      for (int i = 0; i < space(); i++) {
        axes.add(first + 2 * i + 1);
      }
      return axes;
    }
  }

  private static double lowest(DType dtype) {
    return dtype.isFloat() ? Double.NEGATIVE_INFINITY : switch (dtype) {
      case I8 -> Byte.MIN_VALUE;
      case I16 -> Short.MIN_VALUE;
      case I32 -> Integer.MIN_VALUE;
      case I64 -> Long.MIN_VALUE;
      default -> 0;
    };
  }

  private static void max(Call c, int space) {
    Emit e = c.e;
    Value x = c.tensor("self");
    var g = Geometry.of(c, space);
    Value windows = g.windows(e, x, lowest(x.type().dtype()));
    c.set(0, e.of(new Op.ReduceMax(windows, g.taps(windows), false)));
    if (c.isRead(1)) {
      c.set(1, indices(e, x, windows, g));
    }
  }

  /// Where in the pooled axes of `x`, counted as one, each window has its largest element.
  private static Value indices(Emit e, Value x, Value windows, Geometry g) {
    int space = g.space();
    int first = x.type().rank() - space;
    var order = new ArrayList<>(Emit.axes(first));
    for (int part = 0; part < 2; part++) {
      for (int i = 0; i < space; i++) {
        order.add(first + 2 * i + part);
      }
    }
    Value last = e.permute(windows, order);
    var dims = new ArrayList<>(last.type().shape().dims().subList(0, x.type().rank()));
    dims.add(Dim.of(g.size.stream().mapToLong(s -> s).reduce(1, (a, b) -> a * b)));
    Value best = e.of(new Op.ArgMax(e.reshape(last, dims), x.type().rank()));
    Value index = e.constant(0, DType.I64);
    List<Value> taps = e.places(best, g.size.stream().map(Dim::of).toList());
    for (int i = 0; i < space; i++) {
      Value window = e.range(Dim.of(-g.padding.get(i)), g.counts.get(i), g.stride.get(i));
      var shape = new ArrayList<>(Collections.nCopies(space - i, Dim.ONE));
      shape.set(0, g.counts.get(i));
      Value at = e.add(e.reshape(window, shape), e.mul(taps.get(i), g.dilation.get(i)));
      index = e.add(e.mul(index, e.dim(x.type().dim(first + i), DType.I64)), at);
    }
    return index;
  }

  private static void average(Call c, int space) {
    Emit e = c.e;
    Value x = e.widen(c.tensor("self"));
    var g = Geometry.of(c, space);
    Value windows = g.windows(e, x, 0);
    Value sum = e.of(new Op.ReduceSum(windows, g.taps(windows), false));
    if (c.has("divisor_override")) {
      c.set(e.div(sum, e.constant(c.integer("divisor_override", 1), sum)));
      return;
    }
    boolean padding = c.flag("count_include_pad", true);
    Value count = e.constant(1, sum);
    int first = x.type().rank() - space;
    for (int i = 0; i < space; i++) {
      Value along = count(e, g, i, x.type().dim(first + i), padding);
      var shape = new ArrayList<>(Collections.nCopies(space - i, Dim.ONE));
      shape.set(0, g.counts.get(i));
      count = e.mul(count, e.reshape(e.cast(along, sum.type().dtype()), along.type().rank() == 0 ? List.of() : shape));
    }
    c.set(e.div(sum, count));
  }

  /// How many elements of an axis count in each window: padding does if `padding`, what lies behind it never does.
  private static Value count(Emit e, Geometry g, int i, Dim extent, boolean padding) {
    Dim after = g.after(i, extent);
    boolean inside = after.isConstant() && after.constant() <= (padding ? g.padding.get(i) : 0);
    if (inside && (padding || g.padding.get(i) == 0)) {
      return e.constant(g.size.get(i), DType.I64);
    }
    Value start = e.range(Dim.of(-g.padding.get(i)), g.counts.get(i), g.stride.get(i));
    Value end = e.add(start, g.size.get(i));
    Value limit = e.dim(padding ? extent.plus(g.padding.get(i)) : extent, DType.I64);
    Value from = padding ? start : e.of(new Op.Max(start, e.constant(0, DType.I64)));
    return e.sub(e.of(new Op.Min(end, limit)), from);
  }

  /// The result's pooled axes; a size that is not given stays.
  private static List<Dim> pooled(Call c, int space) {
    return c.shape().dims().subList(c.shape().rank() - space, c.shape().rank());
  }

  private static void adaptiveAverage(Call c, int space) {
    Emit e = c.e;
    Value x = e.widen(c.tensor("self"));
    List<Dim> sizes = pooled(c, space);
    if (sizes.stream().allMatch(d -> d.is(1))) {
      var axes = Emit.axes(x.type().rank()).subList(x.type().rank() - space, x.type().rank());
      c.set(e.mean(x, axes, true));
      return;
    }
    Value y = x;
    for (int i = 0; i < space; i++) {
      y = averageAlong(e, y, x.type().rank() - space + i, sizes.get(i));
    }
    c.set(y);
  }

  private static Value averageAlong(Emit e, Value x, int axis, Dim size) {
    Dim extent = x.type().dim(axis);
    if (extent.equals(size)) {
      return x;
    }
    if (size.isConstant() && extent.isConstant() && extent.constant() % size.constant() == 0) {
      return e.mean(even(e, x, axis, size), List.of(axis + 1), false);
    }
    // Window i holds the elements from floor(i*extent/size) up to ceil((i+1)*extent/size).
    DType dtype = x.type().dtype();
    Value start = begin(e, extent, size, 0);
    Value end = begin(e, extent, size, 1);
    Value at = e.reshape(e.of(new Op.Iota(extent)), Shape.of(extent, Dim.ONE));
    Value inside = e.of(new Op.And(e.of(new Op.Ge(at, start)), e.of(new Op.Lt(at, end))));
    Value weights = e.div(e.cast(inside, dtype), e.cast(e.sub(end, start), dtype));
    return Resizing.along(e, x, axis, weights);
  }

  private static Value even(Emit e, Value x, int axis, Dim size) {
    var dims = new ArrayList<>(x.type().shape().dims());
    dims.set(axis, size);
    dims.add(axis + 1, Dim.of(x.type().dim(axis).constant() / size.constant()));
    return e.reshape(x, dims);
  }

  private static Value begin(Emit e, Dim extent, Dim size, int next) {
    Value i = e.range(Dim.of(next), size, 1);
    Value product = e.mul(i, e.dim(extent, DType.I64));
    Value n = e.dim(size, DType.I64);
    return next == 0 ? e.of(new Op.FloorDiv(product, n))
        : e.of(new Op.FloorDiv(e.add(product, e.sub(n, e.constant(1, n))), n));
  }

  private static void adaptiveMax(Call c, int space) {
    if (c.isRead(1)) {
      throw new Refusal("indices as a result");
    }
    Emit e = c.e;
    Value y = c.tensor("self");
    List<Dim> sizes = pooled(c, space);
    int first = y.type().rank() - space;
    for (int i = 0; i < space; i++) {
      Dim extent = y.type().dim(first + i);
      Dim size = sizes.get(i);
      if (!size.isConstant() || !extent.isConstant()) {
        throw new Refusal("a dynamic size");
      }
      if (extent.constant() % size.constant() == 0) {
        y = e.of(new Op.ReduceMax(even(e, y, first + i, size), List.of(first + i + 1), false));
        continue;
      }
      // Of windows of different lengths the shorter ones hold their last element twice.
      long most = (extent.constant() + size.constant() - 1) / size.constant() + 1;
      Value last = e.sub(begin(e, extent, size, 1), e.constant(1, DType.I64));
      Value at = e.add(e.unsqueeze(begin(e, extent, size, 0), 1), e.of(new Op.Iota(Dim.of(most))));
      Value index = e.of(new Op.Min(at, e.unsqueeze(last, 1)));
      y = e.of(new Op.ReduceMax(e.of(new Op.Gather(y, index, first + i)), List.of(first + i + 1), false));
    }
    c.set(0, y);
  }
}
