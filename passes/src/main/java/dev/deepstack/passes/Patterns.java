package dev.deepstack.passes;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// Questions that several rules ask of a value.
final class Patterns {
  private Patterns() {}

  /// The number that fills the whole value, or null.
  static @Nullable Double splat(Value v) {
    return switch (v.op()) {
      case Op.Constant(double value, var _) -> value;
      case Op.Expand(var x, var _) -> splat(x);
      case Op.Reshape(var x, var _) -> splat(x);
      default -> null;
    };
  }

  static boolean is(Value v, double value) {
    Double splat = splat(v);
    return splat != null && splat == value;
  }

  /// Equal within what f32, or bf16 where that is the dtype, can tell apart.
  static boolean near(Value v, double value) {
    Double splat = splat(v);
    double tolerance = v.type().dtype().bytes() < 4 ? 1e-2 : 1e-6;
    return splat != null && Math.abs(splat - value) <= tolerance * Math.abs(value);
  }

  /// Whether every value of `from` is a value of `to`.
  static boolean isLossless(DType from, DType to) {
    if (from == to) {
      return true;
    }
    if (from.isBool()) {
      return !to.isBool();
    }
    if (from.isFloat() != to.isFloat() || to.isBool()) {
      return from.isInteger() && to.isFloat() && from.bytes() < significandBytes(to);
    }
    return from.bytes() < to.bytes() && (from.isFloat() || from.isUnsigned() || !to.isUnsigned());
  }

  private static int significandBytes(DType dtype) {
    return switch (dtype) {
      case F64 -> 8;
      case F32 -> 4;
      case F16 -> 2;
      default -> 0;
    };
  }

  /// Whether a float is widened, so that the cast loses nothing.
  static boolean isWidening(DType from, DType to) {
    return from.isFloat() && to.isFloat() && isLossless(from, to);
  }

  /// A weight, or views, widened forms and concatenations of weights: known before the call.
  static boolean isWeight(Value v) {
    return switch (v.op()) {
      case Op.Weight _ -> true;
      case Op.Reshape(var x, var _) -> isWeight(x);
      case Op.Permute(var x, var _) -> isWeight(x);
      case Op.Slice(var x, var _, var _, var _, var _) -> isWeight(x);
      case Op.Cast(var x, var to) -> isWeight(x) && isWidening(x.type().dtype(), to);
      case Op.Concat(var parts, var _) -> parts.stream().allMatch(Patterns::isWeight);
      default -> false;
    };
  }

  /// The same value before it was widened, or itself.
  static Value stored(Value v) {
    return v.op() instanceof Op.Cast(var x, var to) && isWidening(x.type().dtype(), to) ? x : v;
  }

  /// The operand of a cast between floats, or the value itself: equal but for rounding.
  static Value uncast(Value v) {
    return v.op() instanceof Op.Cast(var x, var to) && x.type().dtype().isFloat() && to.isFloat()
        ? uncast(x) : v;
  }

  /// The value of dtype `narrow` that was widened to `v`, before a reshape perhaps; or null.
  static @Nullable Value narrow(Rewriter to, Value v, DType narrow) {
    return switch (v.op()) {
      case Op.Cast(var x, var wide) when x.type().dtype() == narrow && isWidening(narrow, wide) -> x;
      case Op.Reshape(var x, var s) -> {
        Value y = narrow(to, x, narrow);
        yield y == null ? null : reshape(to, y, s);
      }
      default -> null;
    };
  }

  static Shape shape(Value v) {
    return v.type().shape();
  }

  static Shape concat(List<Dim> head, Dim... tail) {
    var dims = new ArrayList<>(head);
    dims.addAll(List.of(tail));
    return new Shape(dims);
  }

  /// All axes but the last `n`.
  static List<Dim> leading(Shape shape, int n) {
    return shape.dims().subList(0, shape.rank() - n);
  }

  /// The extents that are not 1.
  static List<Dim> unitless(Shape shape) {
    return shape.dims().stream().filter(d -> !d.is(1)).toList();
  }

  /// Whether `to` is `from` with extents of 1 put in front.
  static boolean prependsUnits(Shape from, Shape to) {
    int more = to.rank() - from.rank();
    return more >= 0 && to.dims().subList(more, to.rank()).equals(from.dims())
        && to.dims().subList(0, more).stream().allMatch(d -> d.is(1));
  }

  /// The value with as many 1s in front as `shape` has, if that makes it so.
  static Value units(Rewriter to, Value v, Shape shape) {
    boolean same = prependsUnits(shape(v), shape) || prependsUnits(shape, shape(v));
    return same ? reshape(to, v, shape) : v;
  }

  /// Where an axis of `to` was before a reshape that left it alone: as many elements before it, the same
  /// extent.
  static int axisBefore(Shape from, Shape to, int axis) {
    if (to.dim(axis).is(1)) {
      return -1;
    }
    Dim before = new Shape(to.dims().subList(0, axis)).elements();
    Dim seen = Dim.ONE;
    for (int i = 0; i < from.rank(); i++) {
      if (seen.equals(before) && from.dim(i).equals(to.dim(axis))) {
        return i;
      }
      seen = seen.times(from.dim(i));
    }
    return -1;
  }

  static List<Integer> range(int from, int to) {
    return IntStream.range(from, to).boxed().toList();
  }

  /// The value with its last two axes swapped.
  static Value transpose(Rewriter to, Value x) {
    var axes = new ArrayList<>(range(0, x.type().rank()));
    int last = axes.size() - 1;
    axes.set(last, last - 1);
    axes.set(last - 1, last);
    return to.add(new Op.Permute(x, axes));
  }

  static Value cast(Rewriter to, Value x, DType dtype) {
    return x.type().dtype() == dtype ? x : to.add(new Op.Cast(x, dtype));
  }

  static Value reshape(Rewriter to, Value x, Shape shape) {
    return shape(x).equals(shape) ? x : to.add(new Op.Reshape(x, shape));
  }

  static boolean isLast(Value x, List<Integer> axes) {
    return axes.equals(List.of(x.type().rank() - 1));
  }
}
