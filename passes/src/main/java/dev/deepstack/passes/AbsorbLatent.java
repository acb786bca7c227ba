package dev.deepstack.passes;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Shape;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Latent attention without expanding the cache: where keys and values are projections `w` of one latent per position,
/// `q (w_k l)` is `(q w_k) l`. A few queries are projected instead of every cached position, and attention reads the
/// latents themselves, shared by all heads. Fires when that is less work, so for few queries against a long cache.
///
/// ```
/// attention(cat(qn, qr), cat(w_k l, kr), w_v l)  ->  attention(cat(qn w_k, qr), cat(l, kr), l) w_v^T
/// ```
final class AbsorbLatent {
  private static final List<Integer> HEADS_FIRST = List.of(0, 2, 1, 3);

  private AbsorbLatent() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return op instanceof Op.Attention a && a.q().type().dtype() == DType.F32 && a.q().type().rank() == 4
        && a.k().op() instanceof Op.Permute(Value(Op.Concat(var keys, int ka), _, _), var k) && k.equals(HEADS_FIRST)
        && a.v().op() instanceof Op.Permute(Value(Op.Slice values, _, _), var v) && v.equals(HEADS_FIRST)
        && ka == 3 && keys.size() == 2
        && keys.get(0).op() instanceof Op.Slice plain && isStart(plain) && isRest(values, plain)
        && plain.x().op() instanceof Op.Reshape(Value(Op.Linear(var latent, var w, var bias), _, _), Shape _)
        && bias == null && latent.type().rank() == 3
        && keys.get(1).op() instanceof Op.Expand(Value(Op.Reshape(var rotated, Shape _), _, _), Shape _)
        && rotated.type().rank() == 3
        ? rewrite(a, plain.size(), values.size(), latent, w, rotated, to) : null;
  }

  private static boolean isStart(Op.Slice s) {
    return s.axis() == 3 && s.start().is(0) && s.step() == 1;
  }

  /// The values are what follows the keys in the same projection.
  private static boolean isRest(Op.Slice values, Op.Slice keys) {
    return values.x().equals(keys.x()) && values.axis() == 3 && values.step() == 1
        && values.start().equals(keys.size());
  }

  private static @Nullable Value rewrite(
      Op.Attention a, Dim n, Dim v, Value latent, Value w, Value rotated, Rewriter to) {
    Shape out = a.infer().shape();
    Dim heads = out.dim(1);
    Dim c = latent.type().dim(2);
    Dim r = rotated.type().dim(2);
    if (!isLessWork(out.dim(2), latent.type().dim(1), n, v, c, r)) {
      return null;
    }
    Value perHead = to.add(new Op.Reshape(w, Shape.of(heads, n.plus(v), c)));
    Value wk = Patterns.cast(to, to.add(new Op.Slice(perHead, 1, Dim.ZERO, n, 1)), DType.F32);
    Value wv = Patterns.cast(to, to.add(new Op.Slice(perHead, 1, n, v, 1)), DType.F32);
    Value qn = to.add(new Op.Slice(a.q(), 3, Dim.ZERO, n, 1));
    Value qr = to.add(new Op.Slice(a.q(), 3, n, r, 1));
    Value q = to.add(new Op.Concat(List.of(to.add(new Op.MatMul(qn, wk)), qr), 3));
    Value k = shared(to.add(new Op.Concat(List.of(latent, rotated), 2)), to);
    Value mixed = to.add(new Op.Attention(q, k, shared(latent, to), a.mask(), a.scale(), a.causal()));
    return to.add(new Op.MatMul(mixed, to.add(new Op.Permute(wv, List.of(0, 2, 1)))));
  }

  /// `[b,s,d]` as keys or values that all heads share.
  private static Value shared(Value x, Rewriter to) {
    Shape s = x.type().shape();
    return to.add(new Op.Reshape(x, Shape.of(s.dim(0), Dim.ONE, s.dim(1), s.dim(2))));
  }

  /// Multiply-adds per head of both ways, for `t` queries against `s` positions.
  private static boolean isLessWork(Dim t, Dim s, Dim n, Dim v, Dim c, Dim r) {
    for (Dim d : List.of(t, s, n, v, c, r)) {
      if (!d.isConstant()) {
        return false;
      }
    }
    long expanded = s.constant() * c.constant() * (n.constant() + v.constant())
        + t.constant() * s.constant() * (n.constant() + r.constant() + v.constant());
    long absorbed = t.constant() * c.constant() * (n.constant() + v.constant())
        + t.constant() * s.constant() * (2 * c.constant() + r.constant());
    return absorbed < expanded;
  }
}
