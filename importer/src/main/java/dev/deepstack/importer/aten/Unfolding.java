package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Windows written out as columns, columns summed back, and elements addressed by strides.
final class Unfolding {
  private Unfolding() {}

  static void add(Operators.Builder table) {
    table.aten("im2col", Unfolding::columns)
        .aten("col2im", Unfolding::image)
        .aten("as_strided as_strided_copy", c -> c.view("self", strided(c, c.shape())))
        .aten("as_strided_scatter", Unfolding::stridedScatter);
  }

  /// `[n,c,h,w] -> [n, c*kh*kw, positions]`.
  private static void columns(Call c) {
    Emit e = c.e;
    Value x = c.tensor("self");
    List<Dim> result = c.shape().dims();
    boolean single = x.type().rank() == 3;
    Value y = single ? e.unsqueeze(x, 0) : x;
    List<Integer> size = Convolutions.perAxis(c, "kernel_size", 1, 2);
    List<Integer> padding = Convolutions.perAxis(c, "padding", 0, 2);
    List<Integer> dilation = Convolutions.perAxis(c, "dilation", 1, 2);
    List<Integer> stride = Convolutions.perAxis(c, "stride", 1, 2);
    var around = List.of(Dim.ZERO, Dim.ZERO, Dim.of(padding.get(0)), Dim.of(padding.get(1)));
    if (padding.stream().anyMatch(p -> p > 0)) {
      y = e.of(new Op.Pad(y, around, around, 0));
    }
    for (int i = 0; i < 2; i++) {
      Dim count = positions(y.type().dim(2 + 2 * i), size.get(i), dilation.get(i), stride.get(i));
      y = e.of(new Op.Windows(y, 2 + 2 * i, count, size.get(i), stride.get(i), dilation.get(i)));
    }
    c.set(e.reshape(e.permute(y, List.of(0, 1, 3, 5, 2, 4)), result));
  }

  private static Dim positions(Dim extent, int size, int dilation, int stride) {
    return extent.minus((long) dilation * (size - 1) + 1).floorDiv(stride).plus(1);
  }

  /// The sum of all windows that hold an element; what lies in the padding is cut away.
  private static void image(Call c) {
    Emit e = c.e;
    Value x = c.tensor("self");
    Value y = x.type().rank() == 2 ? e.unsqueeze(x, 0) : x;
    List<Integer> size = Convolutions.perAxis(c, "kernel_size", 1, 2);
    List<Integer> padding = Convolutions.perAxis(c, "padding", 0, 2);
    List<Integer> dilation = Convolutions.perAxis(c, "dilation", 1, 2);
    List<Integer> stride = Convolutions.perAxis(c, "stride", 1, 2);
    List<Dim> output = c.dims("output_size");
    var counts = new ArrayList<Dim>();
    var padded = new ArrayList<Dim>();
    var places = new ArrayList<Value>();
    for (int i = 0; i < 2; i++) {
      Dim extent = output.get(i).plus(2L * padding.get(i));
      padded.add(extent);
      counts.add(positions(extent, size.get(i), dilation.get(i), stride.get(i)));
      Value tap = e.unsqueeze(e.range(Dim.ZERO, Dim.of(size.get(i)), dilation.get(i)), 1);
      places.add(e.add(tap, e.range(Dim.ZERO, counts.get(i), stride.get(i))));
    }
    // [kh, 1, eh, 1] * width + [kw, 1, ew]
    Value rows = e.reshape(places.get(0), Shape.of(Dim.of(size.get(0)), Dim.ONE, counts.get(0), Dim.ONE));
    Value columns = e.reshape(places.get(1), Shape.of(Dim.of(size.get(1)), Dim.ONE, counts.get(1)));
    Value index = e.flatten(e.add(e.mul(rows, e.dim(padded.get(1), DType.I64)), columns));
    Dim taps = Dim.of((long) size.get(0) * size.get(1));
    Dim channels = y.type().dim(1).floorDiv(taps);
    Dim batch = y.type().dim(0);
    Value source = e.reshape(y, Shape.of(batch, channels, index.type().dim(0)));
    Value zeros = e.full(0, y.type().dtype(), Shape.of(batch, channels, padded.get(0).times(padded.get(1))));
    Value sum = e.of(new Op.Scatter(zeros, index, source, 2, Op.Combine.ADD));
    Value all = e.reshape(sum, Shape.of(batch, channels, padded.get(0), padded.get(1)));
    for (int i = 0; i < 2; i++) {
      all = e.slice(all, 2 + i, Dim.of(padding.get(i)), output.get(i), 1);
    }
    c.set(e.reshape(all, c.shape()));
  }

  /// Of a tensor that lies row-major from the start of its storage.
  private static ViewStep strided(Call c, Shape shape) {
    Emit e = c.e;
    Value x = c.tensor("self");
    var meta = c.meta("self");
    boolean plain = meta.strides().equals(x.type().shape().strides()) && meta.storageOffset().is(0);
    if (!plain) {
      throw new Refusal("strides over a storage that is not the tensor's own");
    }
    List<Dim> strides = c.dims("stride");
    Value index = e.dim(c.dim("storage_offset", Dim.ZERO), DType.I64);
    for (int i = 0; i < shape.rank(); i++) {
      var column = new ArrayList<>(Collections.nCopies(shape.rank() - i, Dim.ONE));
      column.set(0, shape.dim(i));
      Value steps = e.mul(e.of(new Op.Iota(shape.dim(i))), e.dim(strides.get(i), DType.I64));
      index = e.add(index, e.reshape(steps, column));
    }
    return new ViewStep.Picked(e.expand(index, shape));
  }

  private static void stridedScatter(Call c) {
    Value source = c.tensor("src");
    c.set(strided(c, source.type().shape()).put(c.e, c.tensor("self"), source));
  }
}
