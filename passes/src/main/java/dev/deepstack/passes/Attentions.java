package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;
import static dev.deepstack.passes.Patterns.isLast;
import static dev.deepstack.passes.Patterns.isWidening;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.splat;
import static dev.deepstack.passes.Patterns.transpose;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import org.jspecify.annotations.Nullable;

/// `matmul(softmax(matmul(q, k^T) * scale + mask), v) -> attention(q, k, v, mask)`.
///
/// The scale may stand on q, on k, on the scores; the mask may be a select of minus infinity or a summand; softmax may
/// be in f32. A row without any allowed key is 0 here, where the written-out form without a guard has NaN.
final class Attentions {
  private Attentions() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.MatMul(var p, var v) -> attention(op, p, v, to);
      case Op.Attention a -> masked(a, to);
      default -> null;
    };
  }

  private static @Nullable Value attention(Op op, Value p, Value v, Rewriter to) {
    Value weights = Patterns.uncast(p);
    Value scores = Activations.softmaxed(unguarded(weights));
    Scores found = scores == null ? null : Scores.of(scores, to);
    if (found == null || !(found.product().op() instanceof Op.MatMul(var q, var kt))) {
      return null;
    }
    Scaled query = scaled(q, to);
    Scaled key = scaled(kt, to);
    Value k = transpose(to, key.x);
    if (query.x.type().dtype() != v.type().dtype() || k.type().dtype() != v.type().dtype()) {
      return null;
    }
    var attention = new Op.Attention(query.x, k, v, found.mask(), found.scale() * query.scale * key.scale, false);
    return fits(attention, found.product()) && attention.infer().equals(op.infer()) ? to.add(attention) : null;
  }

  private static boolean fits(Op.Attention a, Value product) {
    return a.mask() == null || product.type().shape().equals(
        dev.deepstack.ir.Shapes.broadcast(shape(a.mask()), shape(product)));
  }

  /// Without the select that puts 0 where a row has no allowed key.
  private static Value unguarded(Value p) {
    return p.op() instanceof Op.Select(Value(Op.ReduceMax(Value(Op.Ne(var s, var inf), _, _), var axes, var _), _, _),
        var soft, var zero) && is(zero, 0) && isLast(s, axes) && is(inf, Double.NEGATIVE_INFINITY)
        && s.equals(Activations.softmaxed(soft)) || isGuardByMin(p)
        ? guarded(p) : p;
  }

  private static boolean isGuardByMin(Value p) {
    return p.op() instanceof Op.Select(Value(Op.ReduceMin(Value(Op.Eq(var s, var inf), _, _), var axes, var _), _, _),
        var zero, var soft) && is(zero, 0) && isLast(s, axes) && is(inf, Double.NEGATIVE_INFINITY)
        && s.equals(Activations.softmaxed(soft));
  }

  private static Value guarded(Value p) {
    var select = (Op.Select) p.op();
    return is(select.a(), 0) ? select.b() : select.a();
  }

  private record Factor(Value x, double c) {}

  /// `x * c` or `x / (1/c)`.
  private static @Nullable Factor factor(Op op) {
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

  /// Scores taken apart: `product * scale`, masked.
  private record Scores(Value product, double scale, @Nullable Value mask) {
    static @Nullable Scores of(Value v, Rewriter to) {
      return switch (v.op()) {
        case Op.MatMul _ -> new Scores(v, 1, null);
        case Op.Cast(var x, var dtype) when isWidening(x.type().dtype(), dtype) -> of(x, to);
        case Op.Mul _, Op.Div _ -> {
          Factor f = factor(v.op());
          yield f == null ? null : times(of(f.x, to), f.c);
        }
        case Op.Select(var m, var x, var inf) when is(inf, Double.NEGATIVE_INFINITY) -> masked(of(x, to), m, v, to);
        case Op.Select(var m, var inf, var x) when is(inf, Double.NEGATIVE_INFINITY) ->
            masked(of(x, to), to.add(new Op.Not(m)), v, to);
        case Op.Add(var x, var m) -> {
          Scores left = of(x, to);
          yield left != null ? masked(left, m, v, to) : masked(of(m, to), x, v, to);
        }
        default -> null;
      };
    }

    private static @Nullable Scores times(@Nullable Scores s, double c) {
      boolean free = s != null && c > 0 && (s.mask == null || s.mask.type().dtype() == DType.BOOL);
      return s != null && free ? new Scores(s.product, s.scale * c, s.mask) : null;
    }

    private static @Nullable Scores masked(@Nullable Scores s, Value mask, Value result, Rewriter to) {
      if (s == null || !shape(result).equals(shape(s.product))) {
        return null;
      }
      if (s.mask == null) {
        return new Scores(s.product, s.scale, mask);
      }
      boolean both = s.mask.type().dtype() == DType.BOOL && mask.type().dtype() == DType.BOOL;
      return both ? new Scores(s.product, s.scale, to.add(new Op.And(s.mask, mask))) : null;
    }
  }

  private record Scaled(Value x, double scale) {}

  /// A constant factor taken out, also from below views.
  private static Scaled scaled(Value v, Rewriter to) {
    return switch (v.op()) {
      case Op.Mul _, Op.Div _ -> {
        Factor f = factor(v.op());
        Scaled s = f == null || !shape(f.x).equals(shape(v)) ? null : scaled(f.x, to);
        yield f == null || s == null ? new Scaled(v, 1) : new Scaled(s.x, s.scale * f.c);
      }
      case Op.Permute(var x, var axes) -> {
        Scaled s = scaled(x, to);
        yield s.scale == 1 ? new Scaled(v, 1) : new Scaled(to.add(new Op.Permute(s.x, axes)), s.scale);
      }
      case Op.Reshape(var x, var shape) -> {
        Scaled s = scaled(x, to);
        yield s.scale == 1 ? new Scaled(v, 1) : new Scaled(to.add(new Op.Reshape(s.x, shape)), s.scale);
      }
      default -> new Scaled(v, 1);
    };
  }

  /// Masks in their plainest form: bool where possible, not expanded, and the triangle by name.
  private static @Nullable Value masked(Op.Attention a, Rewriter to) {
    Value mask = a.mask();
    if (mask == null) {
      return null;
    }
    Value plain = plain(mask, to);
    if (isTriangle(plain, a.q().type().dim(-2), a.k().type().dim(-2)) && !a.causal()) {
      return to.add(new Op.Attention(a.q(), a.k(), a.v(), null, a.scale(), true));
    }
    return plain.equals(mask) ? null : to.add(new Op.Attention(a.q(), a.k(), a.v(), plain, a.scale(), a.causal()));
  }

  private static Value plain(Value mask, Rewriter to) {
    return switch (mask.op()) {
      case Op.Expand(var x, var _) when x.type().rank() > 0 -> plain(x, to);
      case Op.Cast(var x, var _) when mask.type().dtype().isFloat() && x.type().dtype().isFloat()
          && plain(x, to).type().dtype() == DType.BOOL -> plain(x, to);
      case Op.Select(var m, var zero, var inf) when is(zero, 0) && is(inf, Double.NEGATIVE_INFINITY)
          && m.type().rank() > 0 -> plain(m, to);
      case Op.Select(var m, var inf, var zero) when is(zero, 0) && is(inf, Double.NEGATIVE_INFINITY)
          && m.type().rank() > 0 -> plain(to.add(new Op.Not(m)), to);
      default -> mask;
    };
  }

  /// `s <= t` for key `s` and query `t`, both counted from 0.
  private static boolean isTriangle(Value mask, Dim queries, Dim keys) {
    return switch (mask.op()) {
      case Op.Reshape(var x, var s) when Patterns.prependsUnits(shape(x), s) -> isTriangle(x, queries, keys);
      case Op.Le(var s, var t) -> isCount(s, keys, 1) && isCount(t, queries, 2);
      case Op.Ge(var t, var s) -> isCount(s, keys, 1) && isCount(t, queries, 2);
      default -> false;
    };
  }

  /// `0, 1, …` along the axis that is `fromEnd` from the end, the same everywhere else.
  private static boolean isCount(Value v, Dim extent, int fromEnd) {
    Value source = v.op() instanceof Op.Reshape(var x, var _) ? x : v;
    Shape shape = shape(v);
    return source.op() instanceof Op.Iota && shape.rank() >= fromEnd && shape.dim(-fromEnd).equals(extent)
        && !extent.is(1) && Patterns.unitless(shape).size() == 1;
  }
}
