package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Matrix products. A product with a transposed weight is a linear layer, whichever way it was written.
final class Contractions {
  private Contractions() {}

  static void add(Operators.Builder table) {
    table.aten("linear", Contractions::linear)
        .aten("matmul", c -> c.set(matmul(c, c.tensor("self"), c.tensor("other"))))
        .aten("linalg_matmul", c -> c.set(matmul(c, c.tensor("self"), c.tensor("other"))))
        .aten("mm bmm", c -> c.set(matmul(c, c.tensor("self"), c.tensor("mat2"))))
        .aten("mv", c -> c.set(matmul(c, c.tensor("self"), c.tensor("vec"))))
        .aten("dot", c -> c.set(matmul(c, c.tensor("self"), c.tensor("tensor"))))
        .aten("vdot", c -> c.set(matmul(c, c.tensor("self"), c.tensor("other"))))
        .aten("outer ger", Contractions::outer)
        .aten("addmm", c -> added(c, c.tensor("mat1"), c.tensor("mat2")))
        .aten("addmv", c -> added(c, c.tensor("mat"), c.tensor("vec")))
        .aten("baddbmm", c -> added(c, c.tensor("batch1"), c.tensor("batch2")))
        .aten("_grouped_mm", Contractions::grouped)
        .add("transformers.grouped_mm_fallback", Contractions::grouped)
        .aten("einsum", Einsum::lower);
  }

  private static void linear(Call c) {
    Value x = c.e.cast(c.tensor("input"), c.dtype());
    Value w = c.tensor("weight");
    Value bias = c.optional("bias");
    if (w.type().rank() == 1) {
      Value y = matmul(c, x, w);
      c.set(bias == null ? y : c.e.add(y, c.e.cast(bias, c.dtype())));
      return;
    }
    c.set(c.e.of(new Op.Linear(x, narrowed(c, w), bias == null ? null : c.e.cast(bias, c.dtype()))));
  }

  /// The weight as the layer computes with it; under autocast that is narrower than it is stored.
  private static Value narrowed(Call c, Value w) {
    return c.e.cast(w, c.dtype());
  }

  private static Value matmul(Call c, Value self, Value other) {
    Emit e = c.e;
    Value a = e.cast(self, c.dtype());
    Value b = e.cast(other, c.dtype());
    Value w = transposedWeight(b);
    if (w != null && a.type().rank() >= 1) {
      return e.of(new Op.Linear(a, w, null));
    }
    Value left = a.type().rank() == 1 ? e.unsqueeze(a, 0) : a;
    Value right = b.type().rank() == 1 ? e.unsqueeze(b, 1) : b;
    Value product = e.of(new Op.MatMul(left, right));
    int rank = product.type().rank();
    if (b.type().rank() == 1) {
      product = e.reshape(product, product.type().shape().without(rank - 1));
      rank--;
    }
    if (a.type().rank() == 1) {
      product = e.reshape(product,
          product.type().shape().without(b.type().rank() == 1 ? rank - 1 : rank - 2));
    }
    return product;
  }

  /// The weight `[n,k]` behind a `[k,n]` transposed view of it, or null.
  private static @Nullable Value transposedWeight(Value b) {
    boolean transposed = b.op() instanceof Op.Permute(Value w, List<Integer> axes)
        && axes.equals(List.of(1, 0)) && isStored(w);
    return transposed ? ((Op.Permute) b.op()).x() : null;
  }

  private static boolean isStored(Value w) {
    return w.op() instanceof Op.Weight || w.op() instanceof Op.Cast(Value x, DType _)
        && x.op() instanceof Op.Weight;
  }

  private static void outer(Call c) {
    Value a = c.e.cast(c.tensor("self"), c.dtype());
    Value b = c.e.cast(c.tensor("vec2"), c.dtype());
    c.set(c.e.mul(c.e.unsqueeze(a, 1), b));
  }

  /// `beta * self + alpha * (a @ b)`.
  private static void added(Call c, Value a, Value b) {
    Emit e = c.e;
    Value self = e.cast(c.tensor("self"), c.dtype());
    double alpha = c.number("alpha", 1);
    double beta = c.number("beta", 1);
    Value w = transposedWeight(b);
    boolean isBias = w != null && self.type().rank() == 1 && self.type().dim(0).equals(w.type().dim(0));
    if (w != null && isBias && alpha == 1 && beta == 1) {
      c.set(e.of(new Op.Linear(e.cast(a, c.dtype()), e.cast(w, c.dtype()), self)));
      return;
    }
    Value product = matmul(c, a, b);
    product = alpha == 1 ? product : e.mul(product, alpha);
    // A beta of zero hides even NaN.
    c.set(beta == 0 ? product : e.add(beta == 1 ? self : e.mul(self, beta), product));
  }

  private static void grouped(Call c) {
    boolean fallback = c.has("weight");
    Value x = c.tensor(fallback ? "input" : "self");
    Value w = c.tensor(fallback ? "weight" : "mat2");
    if (!c.has("offs") || x.type().rank() != 2 || w.type().rank() != 3) {
      throw new Refusal("operands other than rows, a weight per group and offsets");
    }
    Value y = c.e.of(new Op.GroupedMatMul(x, c.e.cast(w, x.type().dtype()), c.tensor("offs")));
    Value bias = c.optional("bias");
    if (bias != null) {
      throw new Refusal("a bias");
    }
    c.set(y);
  }
}
