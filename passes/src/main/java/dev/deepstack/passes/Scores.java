package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;
import static dev.deepstack.passes.Patterns.isWidening;
import static dev.deepstack.passes.Patterns.leading;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.splat;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Attention scores taken apart: `product * scale`, masked.
///
/// @param mask bool (true keeps) or a summand; broadcasts to the product
record Scores(Value product, double scale, @Nullable Value mask) {
  /// What adding a score does not change.
  private static final double HUGE = -1e30;

  record Factor(Value x, double c) {}

  /// `x * c` or `x / (1/c)`.
  static @Nullable Factor factor(Op op) {
    if (op instanceof Op.Mul(var x, var y)) {
      Double c = splat(y);
      return c == null ? null : new Factor(x, c);
    }
    if (op instanceof Op.Div(var x, var y)) {
      Double c = splat(y);
      return c == null ? null : new Factor(x, 1 / c);
    }
    return null;
  }

  static @Nullable Scores of(Value v, Rewriter to) {
    return switch (v.op()) {
      case Op.MatMul _ -> new Scores(v, 1, null);
      case Op.Cast(var x, var dtype) when isWidening(x.type().dtype(), dtype) -> of(x, to);
      case Op.Reshape(var x, var s) when x.type().rank() > 1 && x.type().dim(-1).equals(s.dim(-1)) ->
          of(x, to);
      case Op.Mul _, Op.Div _ -> {
        Factor f = factor(v.op());
        yield f == null ? null : times(of(f.x, to), f.c);
      }
      case Op.Select(var m, var x, var inf) when is(inf, Double.NEGATIVE_INFINITY) ->
          masked(of(x, to), m, v, to);
      case Op.Select(var m, var inf, var x) when is(inf, Double.NEGATIVE_INFINITY) ->
          masked(of(x, to), to.add(new Op.Not(m)), v, to);
      // Not infinite, so a row without any key is the mean of all values: as a summand does it.
      case Op.Select(var m, var x, var low) when isHuge(low) -> {
        Value zero = to.add(new Op.Constant(0, v.type().dtype()));
        yield masked(of(x, to), to.add(new Op.Select(m, zero, low)), v, to);
      }
      case Op.Select(var m, var low, var x) when isHuge(low) -> {
        Value zero = to.add(new Op.Constant(0, v.type().dtype()));
        yield masked(of(x, to), to.add(new Op.Select(m, low, zero)), v, to);
      }
      case Op.Add(var x, var m) -> {
        Scores left = of(x, to);
        yield left != null ? masked(left, m, v, to) : masked(of(m, to), x, v, to);
      }
      default -> null;
    };
  }

  private static boolean isHuge(Value v) {
    Double c = splat(v);
    return c != null && c < HUGE && v.type().rank() == 0 && v.type().dtype() == DType.F32;
  }

  private static @Nullable Scores times(@Nullable Scores s, double c) {
    boolean free = s != null && c > 0 && (s.mask == null || s.mask.type().dtype() == DType.BOOL);
    return s != null && free ? new Scores(s.product, s.scale * c, s.mask) : null;
  }

  private static @Nullable Scores masked(@Nullable Scores s, Value mask, Value result, Rewriter to) {
    if (s == null || !shape(result).elements().equals(shape(s.product).elements())) {
      return null;
    }
    Value fitted = fitted(mask, shape(result), shape(s.product), to);
    if (fitted == null) {
      return null;
    }
    if (s.mask == null) {
      return new Scores(s.product, s.scale, fitted);
    }
    boolean both = s.mask.type().dtype() == DType.BOOL && fitted.type().dtype() == DType.BOOL;
    return both ? new Scores(s.product, s.scale, to.add(new Op.And(s.mask, fitted))) : null;
  }

  /// The mask for scores that were reshaped before it was applied: the same for all leading axes.
  private static @Nullable Value fitted(Value mask, Shape masked, Shape product, Rewriter to) {
    if (masked.equals(product)) {
      return mask;
    }
    Shape s = shape(mask);
    if (s.rank() < 1) {
      return null;
    }
    if (isUnit(leading(s, 1))) {
      return reshape(to, mask, Shape.of(s.dim(-1)));
    }
    boolean rows = s.rank() > 1 && isUnit(leading(s, 2)) && masked.rank() > 1
        && masked.dim(-2).equals(product.dim(-2));
    return rows ? reshape(to, mask, Shape.of(s.dim(-2), s.dim(-1))) : null;
  }

  private static boolean isUnit(List<Dim> dims) {
    return dims.stream().allMatch(d -> d.is(1));
  }
}
