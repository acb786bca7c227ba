package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.isWeight;
import static dev.deepstack.passes.Patterns.leading;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.stored;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `matmul(x, w^T) -> linear(x, w)` where `w` is a weight, in its stored dtype; `linear(x, w) + b ->
/// linear(x, w, b)`.
///
/// Reshapes of rows or batches move behind products, where they meet the reshape back and cancel.
final class Linears {
  private Linears() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.MatMul m when isWeight(m.b()) && !isWeight(m.a()) -> linear(m, to);
      case Op.MatMul m -> batched(m, to);
      case Op.Linear(var x, var w, var bias) when !stored(w).equals(w) ->
          to.add(new Op.Linear(x, stored(w), bias));
      case Op.Linear(Value(Op.Reshape(var x, var s), _, _), var w, var bias)
          when x.type().rank() >= 1 && x.type().dim(-1).equals(s.dim(-1)) ->
          to.add(new Op.Reshape(to.add(new Op.Linear(x, w, bias)), s.with(-1, w.type().dim(0))));
      case Op.Add(var y, var b) when isBias(y, b, to) -> biased(y, b, to);
      case Op.Add(var b, var y) when isBias(y, b, to) -> biased(y, b, to);
      default -> null;
    };
  }

  private static @Nullable Value linear(Op.MatMul m, Rewriter to) {
    Shape b = shape(m.b());
    if (!leading(b, 2).stream().allMatch(d -> d.is(1)) || m.a().type().rank() < b.rank()) {
      return null;
    }
    Value matrix = reshape(to, m.b(), new Shape(b.dims().subList(b.rank() - 2, b.rank())));
    return to.add(new Op.Linear(m.a(), Patterns.transpose(to, matrix), null));
  }

  private static boolean isBias(Value y, Value b, Rewriter to) {
    return y.op() instanceof Op.Linear(var _, var w, var none) && none == null && to.isSingleUse(y)
        && shape(b).equals(Shape.of(w.type().dim(0))) && isWeight(b);
  }

  private static @Nullable Value biased(Value y, Value b, Rewriter to) {
    return y.op() instanceof Op.Linear(var x, var w, var _) ? to.add(new Op.Linear(x, w, b)) : null;
  }

  /// A turned matrix times a column is a row times the matrix.
  private static @Nullable Value row(Op.MatMul m, Rewriter to) {
    Value b = m.b();
    int rank = m.a().type().rank();
    if (!b.type().dim(-1).is(1) || m.infer().dim(-2).is(1)
        || !(m.a().op() instanceof Op.Permute(var _, var axes)) || axes.get(rank - 2) != rank - 1) {
      return null;
    }
    Value row = reshape(to, b, Patterns.concat(leading(shape(b), 2), Dim.ONE, b.type().dim(-2)));
    Value y = to.add(new Op.MatMul(row, Patterns.transpose(to, m.a())));
    return reshape(to, y, m.infer().shape());
  }

  private static @Nullable Value batched(Op.MatMul m, Rewriter to) {
    Value turned = row(m, to);
    if (turned != null) {
      return turned;
    }
    // Leading axes broadcast by themselves.
    Value a = unexpanded(m.a());
    Value b = unexpanded(m.b());
    if (!a.equals(m.a()) && new Op.MatMul(a, m.b()).infer().equals(m.infer())) {
      return to.add(new Op.MatMul(a, m.b()));
    }
    if (!b.equals(m.b()) && new Op.MatMul(m.a(), b).infer().equals(m.infer())) {
      return to.add(new Op.MatMul(m.a(), b));
    }
    // A batch that was several axes before.
    if (m.a().op() instanceof Op.Reshape(var x, var s) && m.b().op() instanceof Op.Reshape
        && x.type().rank() > s.rank() && sameMatrices(shape(x), s)) {
      List<Dim> batch = leading(shape(x), 2);
      Shape sb = shape(m.b());
      boolean same = new Shape(leading(sb, 2)).elements().equals(new Shape(batch).elements());
      if (!same) {
        return null;
      }
      Value y = reshape(to, m.b(), Patterns.concat(batch, sb.dim(-2), sb.dim(-1)));
      return reshape(to, to.add(new Op.MatMul(x, y)), m.infer().shape());
    }
    return null;
  }

  private static boolean sameMatrices(Shape a, Shape b) {
    return a.dim(-1).equals(b.dim(-1)) && a.dim(-2).equals(b.dim(-2));
  }

  private static Value unexpanded(Value v) {
    if (!(v.op() instanceof Op.Expand(var x, var s)) || x.type().rank() < 2 || !sameMatrices(shape(x), s)) {
      return v;
    }
    return x;
  }

  /// Rows as the one leading axis: `[…,d] -> [n,d]`.
  static Value rows(Rewriter to, Value x) {
    var dims = new ArrayList<Dim>();
    dims.add(new Shape(leading(shape(x), 1)).elements());
    dims.add(x.type().dim(-1));
    return reshape(to, x, new Shape(dims));
  }
}
