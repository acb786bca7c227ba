package dev.deepstack.passes;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Between which integers all elements of a value, integers themselves, lie, both ends included.
record Bounds(long min, long max) {
  /// What is known from where the value comes from, or null.
  static @Nullable Bounds of(Value v) {
    return switch (v.op()) {
      case Op.Constant(double c, var _) when c == Math.rint(c) -> new Bounds((long) c, (long) c);
      case Op.Iota(var extent) -> below(extent);
      case Op.TopK(var x, var _, var _) -> below(x.type().dim(-1));
      case Op.ArgSort(var x, var _) -> below(x.type().dim(-1));
      case Op.ArgMax(var x, int axis) -> below(x.type().dim(axis));
      case Op.Cast(var x, var to) when to.isInteger() && x.type().dtype().isInteger() ->
          fitting(of(x), to.bytes());
      case Op.Cast(var x, var to) when to == DType.F32 || to == DType.F64 -> fitting(of(x), 3);
      case Op.Reshape(var x, var _) -> of(x);
      case Op.Permute(var x, var _) -> of(x);
      case Op.Expand(var x, var _) -> of(x);
      case Op.Slice(var x, var _, var _, var _, var _) -> of(x);
      case Op.Gather(var x, var _, var _) -> of(x);
      case Op.TakeAlong(var x, var _, var _) -> of(x);
      case Op.Concat(var parts, var _) -> all(parts);
      case Op.Select(var _, var a, var b) -> all(List.of(a, b));
      default -> null;
    };
  }

  private static @Nullable Bounds below(Dim extent) {
    return extent.isConstant() ? new Bounds(0, extent.constant() - 1) : null;
  }

  private static @Nullable Bounds fitting(@Nullable Bounds b, int bytes) {
    long limit = bytes == 8 ? Long.MAX_VALUE : (1L << (8 * bytes - 1)) - 1;
    return b != null && b.min >= 0 && b.max <= limit ? b : null;
  }

  private static @Nullable Bounds all(List<Value> values) {
    Bounds sum = null;
    for (Value value : values) {
      Bounds b = of(value);
      if (b == null) {
        return null;
      }
      sum = sum == null ? b : new Bounds(Math.min(sum.min, b.min), Math.max(sum.max, b.max));
    }
    return sum;
  }
}
