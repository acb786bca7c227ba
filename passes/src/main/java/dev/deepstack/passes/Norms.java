package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.isLast;
import static dev.deepstack.passes.Patterns.near;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.splat;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import org.jspecify.annotations.Nullable;

/// `x * rsqrt(mean(x^2) + e) -> rms_norm(x)`, `(x - mean(x)) * rsqrt(mean((x - mean(x))^2) + e) ->
/// layer_norm(x)`; a factor and a summand along the last axis join, and so do casts to f32 and back, because
/// norms work in f32.
final class Norms {
  private Norms() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.Mul(var a, var b) -> product(op, a, b, to);
      case Op.Div(var x, Value(Op.Sqrt(var v), _, _)) -> norm(op, x, v, to);
      case Op.Add(var a, var b) -> shifted(op, a, b, to);
      case Op.Cast(Value(Op.RmsNorm(var x, var w, var e), _, _), var dtype) -> {
        Value narrow = Patterns.narrow(to, x, dtype);
        yield narrow == null ? null : to.add(new Op.RmsNorm(narrow, w, e));
      }
      case Op.Cast(Value(Op.LayerNorm(var x, var w, var b, var e), _, _), var dtype) -> {
        Value narrow = Patterns.narrow(to, x, dtype);
        yield narrow == null ? null : to.add(new Op.LayerNorm(narrow, w, b, e));
      }
      case Op.RmsNorm(var x, var w, var e) when w != null && !Patterns.stored(w).equals(w) ->
          to.add(new Op.RmsNorm(x, Patterns.stored(w), e));
      default -> null;
    };
  }

  private static @Nullable Value product(Op op, Value a, Value b, Rewriter to) {
    if (!op.infer().dtype().isFloat()) {
      return null;
    }
    if (b.op() instanceof Op.Rsqrt(var v)) {
      return norm(op, a, v, to);
    }
    if (a.op() instanceof Op.Rsqrt(var v)) {
      return norm(op, b, v, to);
    }
    Value scaled = scaled(op, a, b, to);
    return scaled == null ? scaled(op, b, a, to) : scaled;
  }

  private static @Nullable Value norm(Op op, Value factor, Value variance, Rewriter to) {
    // Broadcasting may have put the 1s in front.
    Value x = Patterns.units(to, factor, op.infer().shape());
    if (!(variance.op() instanceof Op.Add(var mean, var e))) {
      return null;
    }
    Double epsilon = splat(e);
    Value square = mean(mean);
    Value y = square == null ? null : squared(Patterns.units(to, square, op.infer().shape()), to);
    if (epsilon == null || y == null) {
      return null;
    }
    if (x.op() instanceof Op.Mul(var p, var q) && (p.equals(y) || q.equals(y))) {
      // The weight came first.
      Value weight = p.equals(y) ? q : p;
      return isVector(weight, y) && y.type().equals(op.infer())
          ? to.add(new Op.RmsNorm(y, weight, epsilon)) : null;
    }
    if (!x.equals(y) || !x.type().equals(op.infer())) {
      return null;
    }
    boolean centred = x.op() instanceof Op.Sub(var base, var m) && base.equals(mean(m))
        && x.type().equals(base.type());
    return centred
        ? to.add(new Op.LayerNorm(((Op.Sub) x.op()).a(), null, null, epsilon))
        : to.add(new Op.RmsNorm(x, null, epsilon));
  }

  /// What a value is the square of; a reshape may have moved behind the product.
  private static @Nullable Value squared(Value v, Rewriter to) {
    return switch (v.op()) {
      case Op.Mul(var y, var z) -> y.equals(z) ? y : null;
      case Op.Reshape(var x, var s) -> {
        Value y = squared(x, to);
        yield y == null ? null : Patterns.reshape(to, y, s);
      }
      default -> null;
    };
  }

  /// What a value is the mean of, over the last axis and kept; or null.
  private static @Nullable Value mean(Value v) {
    return switch (v.op()) {
      case Op.Div(Value(Op.ReduceSum(var x, var axes, var keep), _, _), var n)
          when keep && isLast(x, axes) && isCount(n, x.type().dim(-1)) -> x;
      case Op.Mul(Value(Op.ReduceSum(var x, var axes, var keep), _, _), var n)
          when keep && isLast(x, axes) && x.type().dim(-1).isConstant()
              && near(n, 1.0 / x.type().dim(-1).constant()) -> x;
      default -> null;
    };
  }

  private static boolean isCount(Value v, Dim extent) {
    if (v.op() instanceof Op.Cast(Value(Op.DimValue(var d), _, _), var _)) {
      return d.equals(extent);
    }
    return extent.isConstant() && Patterns.is(v, extent.constant());
  }

  private static @Nullable Value scaled(Op op, Value norm, Value weight, Rewriter to) {
    if (!norm.type().equals(op.infer()) || !isVector(weight, norm)) {
      return null;
    }
    return switch (norm.op()) {
      case Op.RmsNorm(var x, var w, var e) when w == null -> to.add(new Op.RmsNorm(x, weight, e));
      case Op.LayerNorm(var x, var w, var b, var e) when w == null && b == null ->
          to.add(new Op.LayerNorm(x, weight, null, e));
      // Rounded to a narrower dtype between norm and weight.
      case Op.Cast(Value(Op.RmsNorm(var x, var w, var e), _, _), var dtype) when w == null -> {
        Value narrow = Patterns.narrow(to, x, dtype);
        yield narrow == null ? null : to.add(new Op.RmsNorm(narrow, weight, e));
      }
      default -> null;
    };
  }

  private static @Nullable Value shifted(Op op, Value a, Value b, Rewriter to) {
    Value norm = a.op() instanceof Op.LayerNorm ? a : b;
    Value bias = a.op() instanceof Op.LayerNorm ? b : a;
    if (norm.op() instanceof Op.LayerNorm(var x, var w, var none, var e) && none == null
        && norm.type().equals(op.infer()) && isVector(bias, norm)) {
      return to.add(new Op.LayerNorm(x, w, bias, e));
    }
    return null;
  }

  private static boolean isVector(Value v, Value x) {
    return x.type().rank() > 0 && shape(v).equals(Shape.of(x.type().dim(-1)));
  }
}
