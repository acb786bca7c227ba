package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// Convolutions of one to three spatial axes. The op has its channels last, so permutes stand around it; passes move
/// them to where they meet each other.
final class Convolutions {
  private Convolutions() {}

  static void add(Operators.Builder table) {
    table.aten("conv1d conv2d conv3d convolution", c -> {
      if (c.flag("transposed", false)) {
        transposed(c, "output_padding");
      } else {
        convolve(c);
      }
    }).aten("conv_transpose1d conv_transpose2d conv_transpose3d", c -> transposed(c, "output_padding"));
  }

  /// A number per spatial axis, from one or from as many.
  static List<Integer> perAxis(Call c, String name, long otherwise, int space) {
    List<Long> given = c.has(name) ? c.integers(name) : List.of(otherwise);
    if (given.isEmpty()) {
      given = List.of(otherwise);
    }
    List<Long> all = given.size() == 1 ? Collections.nCopies(space, given.getFirst()) : given;
    return all.stream().map(Math::toIntExact).toList();
  }

  private static int space(Call c) {
    Value w = c.tensor("weight");
    if (!w.type().shape().dims().subList(2, w.type().rank()).stream().allMatch(Dim::isConstant)) {
      throw new Refusal("a window of dynamic size");
    }
    return w.type().rank() - 2;
  }

  private static void convolve(Call c) {
    int space = space(c);
    Value w = c.tensor("weight");
    List<Integer> dilations = perAxis(c, "dilation", 1, space);
    var low = new ArrayList<Integer>();
    var high = new ArrayList<Integer>();
    if (c.text("padding", "").equals("same")) {
      for (int i = 0; i < space; i++) {
        int all = dilations.get(i) * (Math.toIntExact(w.type().dim(i + 2).constant()) - 1);
        low.add(all / 2);
        high.add(all - all / 2);
      }
    } else {
      List<Integer> both =
          c.text("padding", "").equals("valid") ? Collections.nCopies(space, 0) : perAxis(c, "padding", 0, space);
      low.addAll(both);
      high.addAll(both);
    }
    int groups = Math.toIntExact(c.integer("groups", 1));
    Value x = batched(c, space);
    Value y = c.e.of(new Op.Convolution(channelsLast(c.e, x), channelsLast(c.e, w), perAxis(c, "stride", 1, space),
        dilations, low, high, groups));
    finish(c, y);
  }

  /// The input with a batch axis, in the dtype of the result.
  private static Value batched(Call c, int space) {
    Value x = c.e.cast(c.tensor("input"), c.dtype());
    return x.type().rank() == space + 1 ? c.e.unsqueeze(x, 0) : x;
  }

  private static Value channelsLast(Emit e, Value x) {
    return e.permute(x, Emit.moved(x.type().rank(), 1, x.type().rank() - 1));
  }

  private static void finish(Call c, Value product) {
    Emit e = c.e;
    Value y = product;
    Value bias = c.optional("bias");
    int rank = y.type().rank();
    y = e.permute(y, Emit.moved(rank, rank - 1, 1));
    if (bias != null) {
      var dims = new ArrayList<>(Collections.nCopies(rank - 1, Dim.ONE));
      dims.set(0, bias.type().dim(0));
      y = e.add(y, e.reshape(e.cast(bias, c.dtype()), dims));
    }
    c.set(e.reshape(y, c.shape()));
  }

  /// A convolution whose steps are between the elements of `x`: zeros are put there, and the window is reversed.
  private static void transposed(Call c, String outputPadding) {
    int space = space(c);
    Emit e = c.e;
    int groups = Math.toIntExact(c.integer("groups", 1));
    List<Integer> strides = perAxis(c, "stride", 1, space);
    List<Integer> dilations = perAxis(c, "dilation", 1, space);
    List<Integer> padding = perAxis(c, "padding", 0, space);
    List<Integer> more = perAxis(c, outputPadding, 0, space);
    Value x = channelsLast(e, batched(c, space));
    Value w = c.tensor("weight");
    var low = new ArrayList<Integer>();
    var high = new ArrayList<Integer>();
    for (int i = 0; i < space; i++) {
      Dim size = w.type().dim(i + 2);
      w = e.of(new Op.Slice(w, i + 2, size.minus(1), size, -1));
      x = spread(e, x, i + 1, strides.get(i));
      int reach = dilations.get(i) * (Math.toIntExact(size.constant()) - 1) - padding.get(i);
      // The spreading left its zeros after the last element too.
      low.add(reach);
      high.add(reach + more.get(i) - (strides.get(i) - 1));
    }
    // [in, out/groups, k…] -> [out, k…, in/groups]
    Dim in = w.type().dim(0).floorDiv(groups);
    Dim out = w.type().dim(1);
    var dims = new ArrayList<>(List.of(Dim.of(groups), in, out));
    dims.addAll(w.type().shape().dims().subList(2, space + 2));
    var order = new ArrayList<>(List.of(0, 2));
    for (int i = 0; i < space; i++) {
      order.add(3 + i);
    }
    order.add(1);
    Value turned;
    if (groups == 1) {
      turned = e.permute(w, turned(space));
    } else {
      Value moved = e.permute(e.reshape(w, dims), order);
      var merged = new ArrayList<>(moved.type().shape().dims().subList(1, space + 3));
      merged.set(0, out.times(groups));
      turned = e.reshape(moved, merged);
    }
    finish(c, e.of(new Op.Convolution(x, turned, Collections.nCopies(space, 1), dilations, low, high, groups)));
  }

  /// `[in, out, k…] -> [out, k…, in]`.
  private static List<Integer> turned(int space) {
    var order = new ArrayList<Integer>();
    for (int i = 1; i <= space + 1; i++) {
      order.add(i);
    }
    order.add(0);
    return order;
  }

  /// `step - 1` zeros after every element of an axis.
  private static Value spread(Emit e, Value x, int axis, int step) {
    if (step == 1) {
      return x;
    }
    Value y = e.unsqueeze(x, axis + 1);
    var low = new ArrayList<>(Collections.nCopies(y.type().rank(), Dim.ZERO));
    var high = new ArrayList<>(low);
    high.set(axis + 1, Dim.of(step - 1));
    Value zeros = e.of(new Op.Pad(y, low, high, 0));
    Shape shape = x.type().shape();
    return e.reshape(zeros, shape.with(axis, shape.dim(axis).times(step)));
  }
}
