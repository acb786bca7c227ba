package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;

/// Tensors put together from others, and elements moved about in copies.
final class Assembling {
  private Assembling() {}

  static void add(Operators.Builder table) {
    table.aten("cat concat concatenate",
        c -> c.set(concat(c, c.tensors("tensors"), c.axis("dim", 0, c.shape().rank()))))
        .aten("stack", Assembling::stack)
        .aten("hstack", c -> c.set(concat(c, c.tensors("tensors"), c.shape().rank() == 1 ? 0 : 1)))
        .aten("vstack row_stack", c -> c.set(concat(c, c.tensors("tensors").stream()
            .map(x -> x.type().rank() == 1 ? c.e.unsqueeze(x, 0) : x).toList(), 0)))
        .aten("pad", Assembling::pad)
        .aten("constant_pad_nd", c -> constantPad(c, c.number("value", 0)))
        .aten("roll", Assembling::roll)
        .aten("flip", Assembling::flip)
        .aten("fliplr", c -> c.set(reverse(c.e, c.tensor("self"), 1)))
        .aten("flipud", c -> c.set(reverse(c.e, c.tensor("self"), 0)))
        .aten("repeat", c -> repeat(c, "repeats"))
        .aten("tile", c -> repeat(c, "dims"))
        .aten("repeat_interleave.self_int", Assembling::repeatInterleave)
        .aten("tril", c -> triangle(c, true))
        .aten("triu", c -> triangle(c, false))
        .aten("meshgrid", Assembling::meshgrid)
        .aten("broadcast_tensors", Assembling::broadcastTensors)
        .aten("pixel_shuffle", Assembling::pixelShuffle)
        .aten("pixel_unshuffle", Assembling::pixelUnshuffle)
        .aten("channel_shuffle", Assembling::channelShuffle)
        .aten("diff", Assembling::diff)
        .aten("diag_embed", Assembling::diagEmbed)
        .aten("rot90", Assembling::rotate);
  }

  /// Parts of all dtypes meet in the recorded one; the legacy empty part of rank 1 is dropped.
  private static Value concat(Call c, List<Value> parts, int axis) {
    int rank = c.shape().rank();
    List<Value> typed = parts.stream()
        .filter(p -> p.type().rank() == rank)
        .map(p -> c.e.cast(p, c.dtype()))
        .toList();
    return typed.size() == 1 ? typed.getFirst() : c.e.of(new Op.Concat(typed, axis));
  }

  private static void stack(Call c) {
    int axis = c.axis("dim", 0, c.shape().rank());
    c.set(concat(c, c.tensors("tensors").stream().map(x -> c.e.unsqueeze(x, axis)).toList(), axis));
  }

  private static void pad(Call c) {
    if (!c.text("mode", "constant").equals("constant")) {
      Padding.pad(c, c.text("mode", ""));
      return;
    }
    constantPad(c, c.number("value", 0));
  }

  /// Pairs come from the last axis forwards; negative ones cut.
  private static void constantPad(Call c, double value) {
    Value x = c.tensor("self");
    List<Dim> pairs = c.dims("pad");
    int rank = x.type().rank();
    var low = new ArrayList<Dim>();
    var high = new ArrayList<Dim>();
    for (int axis = 0; axis < rank; axis++) {
      int pair = 2 * (rank - 1 - axis);
      Dim l = pair < pairs.size() ? pairs.get(pair) : Dim.ZERO;
      Dim h = pair < pairs.size() ? pairs.get(pair + 1) : Dim.ZERO;
      Dim cutLow = cut(l);
      Dim cutHigh = cut(h);
      x = c.e.slice(x, axis, cutLow, x.type().dim(axis).minus(cutLow).minus(cutHigh), 1);
      low.add(cutLow.is(0) ? l : Dim.ZERO);
      high.add(cutHigh.is(0) ? h : Dim.ZERO);
    }
    boolean nothing = low.stream().allMatch(d -> d.is(0)) && high.stream().allMatch(d -> d.is(0));
    c.set(nothing ? x : c.e.of(new Op.Pad(x, low, high, value)));
  }

  private static Dim cut(Dim pad) {
    return pad.isConstant() && pad.constant() < 0 ? pad.times(-1) : Dim.ZERO;
  }

  private static void roll(Call c) {
    Value x = c.tensor("self");
    List<Dim> shifts = c.dims("shifts");
    List<Integer> axes = c.has("dims") ? c.axesInOrder("dims", x.type().rank()) : List.of();
    if (axes.isEmpty()) {
      Value flat = rolled(c.e, c.e.flatten(x), 0, shifts.getFirst());
      c.set(c.e.reshape(flat, x.type().shape()));
      return;
    }
    for (int i = 0; i < axes.size(); i++) {
      x = rolled(c.e, x, axes.get(i), shifts.get(i));
    }
    c.set(x);
  }

  private static Value rolled(Emit e, Value x, int axis, Dim shift) {
    Dim extent = x.type().dim(axis);
    Dim by = shift.isConstant() && Math.abs(shift.constant()) == 1
        ? Dim.of(shift.constant()) : shift.mod(extent);
    // A shift by one is in range for every extent but zero; others are reduced.
    Dim tail = by.is(-1) ? extent.minus(1) : by;
    if (tail.is(0)) {
      return x;
    }
    Value last = e.slice(x, axis, extent.minus(tail), tail, 1);
    return e.of(new Op.Concat(List.of(last, e.slice(x, axis, Dim.ZERO, extent.minus(tail), 1)), axis));
  }

  private static void flip(Call c) {
    Value x = c.tensor("self");
    for (int axis : c.axesInOrder("dims", x.type().rank())) {
      x = reverse(c.e, x, axis);
    }
    c.set(x);
  }

  private static Value reverse(Emit e, Value x, int axis) {
    Dim extent = x.type().dim(axis);
    return extent.is(1) || extent.is(0) ? x : e.of(new Op.Slice(x, axis, extent.minus(1), extent, -1));
  }

  private static void rotate(Call c) {
    Value x = c.tensor("self");
    List<Integer> axes = c.has("dims") ? c.axesInOrder("dims", x.type().rank()) : List.of(0, 1);
    int a = axes.get(0);
    int b = axes.get(1);
    c.set(switch (Math.floorMod(c.integer("k", 1), 4)) {
      case 1 -> c.e.transpose(reverse(c.e, x, b), a, b);
      case 2 -> reverse(c.e, reverse(c.e, x, a), b);
      case 3 -> c.e.transpose(reverse(c.e, x, a), a, b);
      default -> x;
    });
  }

  /// `[r0*d0, r1*d1 …]`: each axis gets an axis of copies before it, and both become one.
  private static void repeat(Call c, String name) {
    Value x = c.tensor("self");
    List<Dim> given = c.dims(name);
    int rank = Math.max(given.size(), x.type().rank());
    var apart = new ArrayList<Dim>();
    var copies = new ArrayList<Dim>();
    for (int i = 0; i < rank; i++) {
      int axis = i - rank + x.type().rank();
      int at = i - rank + given.size();
      Dim extent = axis < 0 ? Dim.ONE : x.type().dim(axis);
      apart.add(Dim.ONE);
      apart.add(extent);
      copies.add(at < 0 ? Dim.ONE : given.get(at));
      copies.add(extent);
    }
    c.set(c.e.reshape(c.e.expand(c.e.reshape(x, apart), new Shape(copies)), c.shape()));
  }

  private static void repeatInterleave(Call c) {
    Value x = c.has("dim") ? c.tensor("self") : c.e.flatten(c.tensor("self"));
    int axis = c.axis("dim", 0, x.type().rank());
    Value apart = c.e.unsqueeze(x, axis + 1);
    c.set(c.e.reshape(c.e.expand(apart, apart.type().shape().with(axis + 1, c.dim("repeats", Dim.ONE))),
        c.shape()));
  }

  private static void triangle(Call c, boolean lower) {
    Value x = c.tensor("self");
    Value offset = c.e.columnMinusRow(x.type().dim(-2), x.type().dim(-1));
    Value diagonal = c.e.constant(c.integer("diagonal", 0), offset);
    Value inside = c.e.of(lower ? new Op.Le(offset, diagonal) : new Op.Ge(offset, diagonal));
    c.set(c.e.select(inside, x, c.e.constant(0, x)));
  }

  private static void meshgrid(Call c) {
    List<Value> tensors = c.tensors("tensors");
    boolean swapped = c.text("indexing", "ij").equals("xy") && tensors.size() > 1;
    for (int i = 0; i < tensors.size(); i++) {
      int at = swapped && i < 2 ? 1 - i : i;
      var dims = new ArrayList<>(IntStream.range(0, tensors.size()).mapToObj(_ -> Dim.ONE).toList());
      dims.set(at, tensors.get(i).type().shape().elements());
      c.set(i, c.e.expand(c.e.reshape(tensors.get(i), dims), c.type(i).shape()));
    }
  }

  private static void broadcastTensors(Call c) {
    List<Value> tensors = c.tensors("tensors");
    for (int i = 0; i < tensors.size(); i++) {
      c.set(i, tensors.get(i));
    }
  }

  private static void pixelShuffle(Call c) {
    TensorType x = c.tensor("self").type();
    long r = c.integer("upscale_factor", 1);
    int n = x.rank() - 3;
    var dims = new ArrayList<>(x.shape().dims().subList(0, n));
    dims.addAll(List.of(x.dim(n).floorDiv(r * r), Dim.of(r), Dim.of(r), x.dim(n + 1), x.dim(n + 2)));
    c.set(c.e.reshape(c.e.permute(c.e.reshape(c.tensor("self"), dims), order(n, 0, 3, 1, 4, 2)), c.shape()));
  }

  private static void pixelUnshuffle(Call c) {
    TensorType x = c.tensor("self").type();
    long r = c.integer("downscale_factor", 1);
    int n = x.rank() - 3;
    var dims = new ArrayList<>(x.shape().dims().subList(0, n + 1));
    dims.addAll(List.of(x.dim(n + 1).floorDiv(r), Dim.of(r), x.dim(n + 2).floorDiv(r), Dim.of(r)));
    c.set(c.e.reshape(c.e.permute(c.e.reshape(c.tensor("self"), dims), order(n, 0, 2, 4, 1, 3)), c.shape()));
  }

  private static void channelShuffle(Call c) {
    TensorType x = c.tensor("self").type();
    long groups = c.integer("groups", 1);
    var dims = new ArrayList<>(x.shape().dims());
    dims.set(1, x.dim(1).floorDiv(groups));
    dims.add(1, Dim.of(groups));
    c.set(c.e.reshape(c.e.transpose(c.e.reshape(c.tensor("self"), dims), 1, 2), c.shape()));
  }

  /// `before` leading axes as they are, then the others in the given order.
  private static List<Integer> order(int before, int... axes) {
    var all = new ArrayList<>(Emit.axes(before));
    for (int axis : axes) {
      all.add(before + axis);
    }
    return all;
  }

  private static void diff(Call c) {
    Value x = c.tensor("self");
    int axis = c.axis("dim", -1, x.type().rank());
    var parts = new ArrayList<Value>();
    if (c.has("prepend")) {
      parts.add(c.e.cast(c.tensor("prepend"), x.type().dtype()));
    }
    parts.add(x);
    if (c.has("append")) {
      parts.add(c.e.cast(c.tensor("append"), x.type().dtype()));
    }
    Value y = parts.size() == 1 ? x : c.e.of(new Op.Concat(parts, axis));
    for (long i = c.integer("n", 1); i > 0; i--) {
      Dim size = y.type().dim(axis).minus(1);
      Value next = c.e.slice(y, axis, Dim.ONE, size, 1);
      Value here = c.e.slice(y, axis, Dim.ZERO, size, 1);
      y = y.type().dtype().isBool() ? c.e.of(new Op.Xor(next, here)) : c.e.sub(next, here);
    }
    c.set(y);
  }

  private static void diagEmbed(Call c) {
    Value x = c.tensor("self");
    int rank = c.shape().rank();
    if (c.integer("offset", 0) != 0 || c.axis("dim1", -2, rank) != rank - 2
        || c.axis("dim2", -1, rank) != rank - 1) {
      throw new Refusal("a diagonal other than the main one of the last two axes");
    }
    Value offset = c.e.columnMinusRow(c.shape().dim(-2), c.shape().dim(-1));
    Value main = c.e.of(new Op.Eq(offset, c.e.constant(0, offset)));
    c.set(c.e.select(main, c.e.unsqueeze(x, rank - 2), c.e.constant(0, x)));
  }
}
