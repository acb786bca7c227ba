package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.List;

/// Variances and vector norms, in f32 at least.
final class Moments {
  private Moments() {}

  static void add(Operators.Builder table) {
    table.aten("var", c -> c.set(variance(c, true)))
        .aten("std", c -> c.set(c.e.of(new Op.Sqrt(variance(c, true)))))
        .aten("var_mean", c -> withMean(c, false))
        .aten("std_mean", c -> withMean(c, true))
        .aten("linalg_vector_norm", c -> c.set(norm(c, c.number("ord", 2))))
        .aten("norm", c -> c.set(norm(c, c.number("p", 2))))
        .aten("linalg_norm", Moments::linalgNorm)
        .aten("pairwise_distance", Moments::distance)
        .aten("cosine_similarity", Moments::cosine);
  }

  private static Value variance(Call c, boolean orElse) {
    Emit e = c.e;
    Value x = e.widen(c.tensor("self"));
    List<Integer> axes = Reductions.axes(c);
    double correction = c.has("correction") ? c.number("correction", 1) : c.flag("unbiased", orElse) ? 1 : 0;
    Value centred = e.sub(x, e.mean(x, axes, true));
    Value sum = e.sum(e.mul(centred, centred), axes, c.flag("keepdim", false));
    Dim count = Emit.count(x, axes);
    Value n = count.isConstant()
        ? e.constant(Math.max(0, count.constant() - correction), sum)
        : e.of(new Op.Max(e.add(e.dim(count, sum.type().dtype()), -correction), e.constant(0, sum)));
    return e.div(sum, n);
  }

  private static void withMean(Call c, boolean root) {
    Value variance = variance(c, true);
    c.set(0, root ? c.e.of(new Op.Sqrt(variance)) : variance);
    if (c.isRead(1)) {
      c.set(1, c.e.mean(c.tensor("self"), Reductions.axes(c), c.flag("keepdim", false)));
    }
  }

  private static void linalgNorm(Call c) {
    if (c.has("ord") && !c.has("dim") && c.tensor("self").type().rank() != 1) {
      throw new Refusal("a matrix norm");
    }
    c.set(norm(c, c.number("ord", 2)));
  }

  private static Value norm(Call c, double order) {
    boolean keep = c.flag("keepdim", false);
    Emit e = c.e;
    if (order == 2) {
      return e.of(new Op.Sqrt(Reductions.wide(c, x -> e.mul(x, x), (x, a) -> new Op.ReduceSum(x, a, keep))));
    } else if (order == 1) {
      return Reductions.wide(c, x -> e.of(new Op.Abs(x)), (x, a) -> new Op.ReduceSum(x, a, keep));
    } else if (order == Double.POSITIVE_INFINITY) {
      return Reductions.wide(c, x -> e.of(new Op.Abs(x)), (x, a) -> new Op.ReduceMax(x, a, keep));
    } else if (order == Double.NEGATIVE_INFINITY) {
      return Reductions.wide(c, x -> e.of(new Op.Abs(x)), (x, a) -> new Op.ReduceMin(x, a, keep));
    } else if (order == 0) {
      return Reductions.wide(c, x -> e.cast(e.of(new Op.Ne(x, e.constant(0, x))), x.type().dtype()),
          (x, a) -> new Op.ReduceSum(x, a, keep));
    }
    Value sum = Reductions.wide(c, x -> power(e, e.of(new Op.Abs(x)), order),
        (x, a) -> new Op.ReduceSum(x, a, keep));
    return power(e, sum, 1 / order);
  }

  private static Value power(Emit e, Value x, double exponent) {
    return e.of(new Op.Pow(x, e.constant(exponent, x)));
  }

  private static void distance(Call c) {
    if (c.number("p", 2) != 2) {
      throw new Refusal("a distance other than p = 2");
    }
    Emit e = c.e;
    Value d = e.add(e.sub(e.widen(c.tensor("x1")), e.widen(c.tensor("x2"))), c.number("eps", 1e-6));
    Value sum = e.sum(e.mul(d, d), List.of(d.type().rank() - 1), c.flag("keepdim", false));
    c.set(e.of(new Op.Sqrt(sum)));
  }

  private static void cosine(Call c) {
    Emit e = c.e;
    double epsilon = c.number("eps", 1e-8);
    Value a = e.widen(e.cast(c.tensor("x1"), c.dtype()));
    Value b = e.widen(e.cast(c.tensor("x2"), c.dtype()));
    int rank = Math.max(a.type().rank(), b.type().rank());
    List<Integer> axes = List.of(c.axis("dim", 1, rank));
    Value dot = e.sum(e.mul(unit(e, a, axes, epsilon), unit(e, b, axes, epsilon)), axes, false);
    c.set(dot);
  }

  private static Value unit(Emit e, Value x, List<Integer> axes, double epsilon) {
    Value length = e.of(new Op.Sqrt(e.sum(e.mul(x, x), axes, true)));
    return e.div(x, e.of(new Op.Max(length, e.constant(epsilon, x))));
  }
}
