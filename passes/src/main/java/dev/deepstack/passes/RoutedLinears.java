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
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `matmul(gather(w, ids), x) -> routed_linear(x, w, ids)`: the weights of the chosen experts are read in
/// place and never copied together.
final class RoutedLinears {
  private RoutedLinears() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.MatMul(var a, var b) when op.infer().dim(-1).is(1) && chosen(a) != null ->
          column(op, chosen(a), b, to);
      case Op.MatMul(var a, var b) when op.infer().dim(-2).is(1) -> {
        Value value = row(op, a, chosen(b), to);
        yield value == null ? side(op, a, b, to) : value;
      }
      case Op.RoutedLinear(var x, var w, var ids) when !stored(w).equals(w) ->
          to.add(new Op.RoutedLinear(x, stored(w), ids));
      default -> null;
    };
  }

  /// Slices of a stack of matrices, taken by expert id; `swapped` when each is turned.
  private record Chosen(Value weights, Value ids, boolean swapped) {}

  private static @Nullable Chosen chosen(Value v) {
    return switch (v.op()) {
      case Op.Gather(var w, var ids, int axis) when axis == 0 && w.type().rank() == 3 && isWeight(w) ->
          new Chosen(w, ids, false);
      case Op.Cast(var x, var to) when Patterns.isWidening(x.type().dtype(), to) -> chosen(x);
      case Op.Reshape(var x, var s) when x.type().rank() > 2 && s.rank() > 2
          && x.type().dim(-1).equals(s.dim(-1)) && x.type().dim(-2).equals(s.dim(-2)) -> chosen(x);
      case Op.Permute(var x, var axes) when axes.size() > 2 -> {
        Chosen inner = chosen(x);
        int rank = axes.size();
        boolean swaps = axes.subList(0, rank - 2).equals(Patterns.range(0, rank - 2));
        yield inner == null || !swaps ? null : new Chosen(inner.weights, inner.ids, !inner.swapped);
      }
      default -> null;
    };
  }

  private static @Nullable Value column(Op op, @Nullable Chosen w, Value x, Rewriter to) {
    return w == null || w.ids.type().rank() == 0 ? null : routed(op, w, x, w.swapped, to);
  }

  private static @Nullable Value row(Op op, Value x, @Nullable Chosen w, Rewriter to) {
    return w == null || w.ids.type().rank() == 0 ? null : routed(op, w, x, !w.swapped, to);
  }

  private static @Nullable Value routed(Op op, Chosen chosen, Value x, boolean swap, Rewriter to) {
    Shape batch = shape(chosen.ids);
    Value w = swap ? Patterns.transpose(to, chosen.weights) : chosen.weights;
    if (!new Shape(leading(op.infer().shape(), 2)).elements().equals(batch.elements())) {
      return null;
    }
    boolean own = new Shape(leading(shape(x), 2)).elements().equals(batch.elements());
    if (!own && !isShared(x, batch)) {
      return null;
    }
    Value ids = table(chosen.ids, to);
    Dim n = ids.type().dim(0);
    Dim k = ids.type().dim(1);
    Dim width = w.type().dim(2);
    Value rows = reshape(to, x, own ? Shape.of(n, k, width) : Shape.of(n, width));
    return reshape(to, linear(rows, w, ids, to), op.infer().shape());
  }

  /// Ids as `[n,k]`.
  private static Value table(Value ids, Rewriter to) {
    Shape s = shape(ids);
    return reshape(to, ids, s.rank() == 1 ? Shape.of(s.dim(0), Dim.ONE)
        : Shape.of(new Shape(leading(s, 1)).elements(), s.dim(-1)));
  }

  /// One row for all choices: `[…,1,d,1]` where the ids are `[…,k]`.
  private static boolean isShared(Value x, Shape batch) {
    List<Dim> lead = leading(shape(x), 2);
    if (new Shape(lead).elements().is(1)) {
      return batch.rank() > 1 && new Shape(leading(batch, 1)).elements().is(1);
    }
    return lead.size() == batch.rank() && lead.getLast().is(1)
        && lead.subList(0, lead.size() - 1).equals(leading(batch, 1));
  }

  /// The matrices of all choices of a row side by side: `[n,1,d]` times `[n,d,k*f]`.
  private static @Nullable Value side(Op op, Value x, Value side, Rewriter to) {
    if (!(side.op() instanceof Op.Reshape(Value(Op.Permute(var y, var axes), var type, _), var s))
        || type.rank() != 4 || !axes.equals(List.of(0, 3, 1, 2)) || s.rank() != 3
        || !s.dim(0).equals(type.dim(0)) || !s.dim(1).equals(type.dim(1))) {
      return null;
    }
    Chosen chosen = chosen(y);
    if (chosen == null || chosen.swapped || chosen.ids.type().rank() != 2
        || !leading(shape(x), 1).equals(List.of(type.dim(0), Dim.ONE))) {
      return null;
    }
    Value rows = reshape(to, x, Shape.of(type.dim(0), x.type().dim(-1)));
    return reshape(to, linear(rows, chosen.weights, chosen.ids, to), op.infer().shape());
  }

  /// A routed linear layer on `[n,d]`, `[n,k,d]` or, repeated, `[n,1,d]`.
  static Value linear(Value x, Value w, Value ids, Rewriter to) {
    Value rows = x.op() instanceof Op.Expand(var y, var _) && y.type().rank() == 3 && y.type().dim(1).is(1)
        && y.type().dim(0).equals(x.type().dim(0)) && y.type().dim(2).equals(x.type().dim(2)) ? y : x;
    if (rows.type().rank() == 3 && rows.type().dim(1).is(1)) {
      rows = reshape(to, rows, Shape.of(rows.type().dim(0), rows.type().dim(2)));
    }
    return to.add(new Op.RoutedLinear(rows, stored(w), ids));
  }
}
