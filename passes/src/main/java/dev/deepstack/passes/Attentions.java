package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;
import static dev.deepstack.passes.Patterns.isLast;
import static dev.deepstack.passes.Patterns.leading;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.transpose;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Shapes;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import org.jspecify.annotations.Nullable;

/// `matmul(softmax(matmul(q, k^T) * scale + mask), v) -> attention(q, k, v, mask)`.
///
/// The scale may stand on q, on k, on the scores; the mask may be a select of minus infinity or a summand;
/// softmax may be in f32. A row without any allowed key is 0 here, where the written-out form without a guard
/// has NaN.
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
    Value scores = softmaxed(unguarded(weights(p), to), to);
    Scores found = scores == null ? null : Scores.of(scores, to);
    if (found == null || !(found.product().op() instanceof Op.MatMul(var q, var kt))) {
      return null;
    }
    Scaled query = scaled(q, to);
    Scaled key = scaled(kt, to);
    Value k = transpose(to, key.x);
    DType dtype = v.type().dtype();
    boolean fits = query.x.type().dtype() == dtype && k.type().dtype() == dtype
        && p.type().dim(-2).equals(found.product().type().dim(-2))
        && shape(p).elements().equals(shape(found.product()).elements());
    if (!fits) {
      return null;
    }
    // The scores may have had another number of leading axes.
    Value rows = batched(query.x, found.product(), p, to);
    Value keys = batched(k, found.product(), p, to);
    if (rows == null || keys == null) {
      return null;
    }
    Value mask = found.mask();
    double scale = found.scale() * query.scale * key.scale;
    boolean fitting = mask == null || shape(p).equals(Shapes.broadcast(shape(mask), shape(p)));
    if (!fitting || !keys.type().dim(-2).equals(v.type().dim(-2))) {
      return null;
    }
    var attention = new Op.Attention(rows, keys, v, mask, scale, false);
    return attention.infer().equals(op.infer()) ? to.add(attention) : null;
  }

  /// An operand of the product with the leading axes of the weights; null where that is not a reshape.
  private static @Nullable Value batched(Value x, Value product, Value p, Rewriter to) {
    var before = leading(shape(product), 2);
    var after = leading(shape(p), 2);
    if (before.equals(after)) {
      return x;
    }
    return leading(shape(x), 2).equals(before)
        ? reshape(to, x, Patterns.concat(after, x.type().dim(-2), x.type().dim(-1))) : null;
  }

  /// Seen through casts and reshapes that keep the last axis.
  private static Value weights(Value p) {
    Value v = Patterns.uncast(p);
    return v.op() instanceof Op.Reshape(var x, var s) && sameLast(x, s) ? weights(x) : v;
  }

  private static boolean sameLast(Value x, Shape s) {
    return x.type().rank() > 0 && s.rank() > 0 && x.type().dim(-1).equals(s.dim(-1));
  }

  private static @Nullable Value softmaxed(Value v, Rewriter to) {
    if (v.op() instanceof Op.Reshape(var x, var s) && sameLast(x, s)) {
      Value inner = softmaxed(x, to);
      return inner == null ? null : reshape(to, inner, s);
    }
    return Activations.softmaxed(v);
  }

  /// Without the select that puts 0 where a row has no allowed key.
  private static Value unguarded(Value p, Rewriter to) {
    if (!(p.op() instanceof Op.Select(var test, var a, var b))) {
      return p;
    }
    // any(s != -inf) ? softmax : 0, or all(s == -inf) ? 0 : softmax.
    Value tested = switch (test.op()) {
      case Op.ReduceMax(var x, var axes, boolean _) when is(b, 0) && isLast(x, axes) ->
          compared(x, false, to);
      case Op.ReduceMin(var x, var axes, boolean _) when is(a, 0) && isLast(x, axes) -> compared(x, true, to);
      default -> null;
    };
    Value soft = is(b, 0) ? a : b;
    return tested != null && tested.equals(softmaxed(soft, to)) ? soft : p;
  }

  /// What is compared with minus infinity, a reshape taken inside.
  private static @Nullable Value compared(Value v, boolean equal, Rewriter to) {
    return switch (v.op()) {
      case Op.Ne(var s, var inf) when !equal && is(inf, Double.NEGATIVE_INFINITY) -> s;
      case Op.Eq(var s, var inf) when equal && is(inf, Double.NEGATIVE_INFINITY) -> s;
      case Op.Reshape(var x, var s) -> {
        Value inner = compared(x, equal, to);
        yield inner == null ? null : reshape(to, inner, s);
      }
      default -> null;
    };
  }

  private record Scaled(Value x, double scale) {}

  /// A constant factor taken out, also from below views.
  private static Scaled scaled(Value v, Rewriter to) {
    return switch (v.op()) {
      case Op.Mul _, Op.Div _ -> {
        Scores.Factor f = Scores.factor(v.op());
        Scaled s = f == null || !shape(f.x()).equals(shape(v)) ? null : scaled(f.x(), to);
        yield f == null || s == null ? new Scaled(v, 1) : new Scaled(s.x, s.scale * f.c());
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
    return plain.equals(mask) ? null
        : to.add(new Op.Attention(a.q(), a.k(), a.v(), plain, a.scale(), a.causal()));
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
