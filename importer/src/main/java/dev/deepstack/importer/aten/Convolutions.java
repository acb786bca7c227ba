package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/// Convolutions whose windows do not overlap: patches become rows of a linear layer.
final class Convolutions {
  private Convolutions() {}

  static void add(Operators.Builder table) {
    table.aten("conv1d conv2d conv3d convolution", Convolutions::convolve);
  }

  private static void convolve(Call c) {
    Value x = c.e.cast(c.tensor("input"), c.dtype());
    Value w = c.tensor("weight");
    int space = w.type().rank() - 2;
    List<Dim> kernel = w.type().shape().dims().subList(2, space + 2);
    boolean patches = c.integer("groups", 1) == 1
        && !c.flag("transposed", false)
        && x.type().rank() == space + 2
        && w.type().shape().isStatic()
        && (!c.has("dilation") || all(c, "dilation", 1))
        && isUnpadded(c)
        && strides(c, space).equals(kernel.stream().map(Dim::constant).toList());
    if (!patches) {
      throw new Refusal("windows that overlap, padding, dilation, groups or a transposed convolution");
    }
    c.set(patches(c, x, w, kernel));
  }

  private static boolean isUnpadded(Call c) {
    return c.text("padding", "").equals("valid") || c.text("padding", "").isEmpty()
        && (!c.has("padding") || all(c, "padding", 0));
  }

  private static boolean all(Call c, String name, long value) {
    return c.integers(name).stream().allMatch(v -> v == value);
  }

  private static List<Long> strides(Call c, int space) {
    List<Long> given = c.has("stride") ? c.integers("stride") : List.of(1L);
    return given.size() == 1 ? java.util.Collections.nCopies(space, given.getFirst()) : given;
  }

  /// `[n,c,h*kh,w*kw] -> [n,h,w,c*kh*kw] -> [n,h,w,o] -> [n,o,h,w]`, for any number of axes.
  private static Value patches(Call c, Value input, Value weight, List<Dim> kernel) {
    Emit e = c.e;
    int space = kernel.size();
    Value x = input;
    var dims = new ArrayList<>(List.of(x.type().dim(0), x.type().dim(1)));
    var order = new ArrayList<>(List.of(0));
    var inner = new ArrayList<>(List.of(1));
    var outer = new ArrayList<>(List.of(x.type().dim(0)));
    for (int i = 0; i < space; i++) {
      Dim count = c.shape().dim(i + 2);
      x = e.slice(x, i + 2, Dim.ZERO, count.times(kernel.get(i)), 1);
      dims.add(count);
      dims.add(kernel.get(i));
      outer.add(count);
      order.add(2 + 2 * i);
      inner.add(3 + 2 * i);
    }
    order.addAll(inner);
    Dim features = weight.type().shape().elements().floorDiv(weight.type().dim(0));
    outer.add(features);
    Value rows = e.reshape(e.permute(e.reshape(x, dims), order), outer);
    Value w = e.reshape(e.cast(weight, c.dtype()), Shape.of(weight.type().dim(0), features));
    Value bias = c.optional("bias");
    Value y = e.of(new Op.Linear(rows, w, bias == null ? null : e.cast(bias, c.dtype())));
    return e.permute(y, Emit.moved(space + 2, space + 1, 1));
  }
}
