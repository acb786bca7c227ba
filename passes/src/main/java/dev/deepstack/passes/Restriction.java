package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.axisBefore;
import static dev.deepstack.passes.Patterns.isWeight;
import static dev.deepstack.passes.Patterns.leading;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Computes for the chosen experts what a tree of ops computes for all.
///
/// A value with an axis of rows (`n`) and one of experts (`e`) becomes the value with `k` choices on the
/// experts' axis: `result[…i…j…] = value[…i…ids[i,j]…]`. The question moves through element-wise ops and
/// views down to the products, which become routed linear layers.
///
/// @param ids `[n,k]`
/// @param experts `e`
record Restriction(Value ids, Dim experts, Rewriter to) {
  private Dim rows() {
    return ids.type().dim(0);
  }

  private Dim choices() {
    return ids.type().dim(1);
  }

  /// The value for the chosen, or null when that is not known.
  ///
  /// @param row the rows' axis, -1 where there is only one row and its axis is lost among other 1s
  /// @param expert the experts' axis
  @Nullable Value of(Value v, int row, int expert) {
    if (v.type().dim(expert).is(1)) {
      return v;
    }
    if (!v.type().dim(expert).equals(experts)) {
      return null;
    }
    if (row >= 0 && !v.type().dim(row).equals(rows())) {
      return isWeight(v) && v.type().dim(row).is(1) ? table(v, row, expert) : null;
    }
    Value value = inside(v, row, expert);
    boolean isGate = row == 0 && expert == 1 && v.type().rank() == 2;
    return value == null && isGate ? to.add(new Op.TakeAlong(v, ids, 1)) : value;
  }

  private @Nullable Value inside(Value v, int row, int expert) {
    if (Elementwise.is(v.op())) {
      return elementwise(v.op(), OpSchema.operands(v.op()), shape(v), row, expert);
    }
    return switch (v.op()) {
      case Op.ScatterAlong(var x, var i, var source, int axis, var _)
          when axis == expert && i.equals(ids) && Patterns.is(x, 0) -> source;
      case Op.Permute(var x, var axes) -> {
        Value inner = of(x, row < 0 ? -1 : axes.get(row), axes.get(expert));
        yield inner == null ? null : to.add(new Op.Permute(inner, axes));
      }
      case Op.Slice(var x, int axis, var start, var size, long step) when axis != row && axis != expert -> {
        Value inner = of(x, row, expert);
        yield inner == null ? null : to.add(new Op.Slice(inner, axis, start, size, step));
      }
      case Op.Expand(var x, var shape) when x.type().rank() == shape.rank() -> {
        Value inner = x.type().dim(expert).is(1) ? x
            : row >= 0 && !x.type().dim(row).equals(rows()) ? null : of(x, row, expert);
        yield inner == null ? null : to.add(new Op.Expand(inner, chosen(shape, expert)));
      }
      case Op.Reshape(var x, var shape) -> reshaped(x, shape, row, expert);
      case Op.MatMul m -> product(m, shape(v), row, expert);
      default -> null;
    };
  }

  private Shape chosen(Shape shape, int expert) {
    return shape.with(expert, choices());
  }

  private @Nullable Value elementwise(Op op, List<Value> operands, Shape shape, int row, int expert) {
    var chosen = new ArrayList<Value>();
    for (Value operand : operands) {
      int missing = shape.rank() - operand.type().rank();
      if (operand.type().rank() == 0 || missing > expert || operand.type().dim(expert - missing).is(1)) {
        chosen.add(operand);
        continue;
      }
      var dims = new ArrayList<>(shape(operand).dims());
      for (int i = 0; i < missing; i++) {
        dims.addFirst(Dim.ONE);
      }
      Value inner = of(reshape(to, operand, new Shape(dims)), row, expert);
      if (inner == null) {
        return null;
      }
      chosen.add(inner);
    }
    return to.add(Elementwise.with(op, chosen));
  }

  /// Rows of a table with one entry per expert: `e` becomes `n, k`.
  private Value table(Value v, int row, int expert) {
    Value entries = reshape(to, v, shape(v).without(row));
    int axis = expert - (row < expert ? 1 : 0);
    Value taken = to.add(new Op.Gather(entries, ids, axis));
    // The axes lie as […axis…, n, k, …]; n belongs at `row`.
    var axes = new ArrayList<>(Patterns.range(0, taken.type().rank()));
    axes.remove(Integer.valueOf(axis));
    axes.add(row, axis);
    return to.add(new Op.Permute(taken, axes));
  }

  private @Nullable Value reshaped(Value x, Shape shape, int row, int expert) {
    int e = axisBefore(shape(x), shape, expert);
    int r = row < 0 ? -1 : axisBefore(shape(x), shape, row);
    if (e >= 0 && (row < 0 || r >= 0)) {
      Value inner = of(x, r, e);
      return inner == null ? null : reshape(to, inner, chosen(shape, expert));
    }
    return split(x, shape, row, expert);
  }

  /// A reshape that parts the features of all experts: `[…,e*f] -> [n,e,f]`.
  private @Nullable Value split(Value x, Shape shape, int row, int expert) {
    var squeezed = new Shape(Patterns.range(0, shape.rank()).stream()
        .filter(i -> i == row || i == expert || !shape.dim(i).is(1)).map(shape::dim).toList());
    if (squeezed.rank() < shape.rank() && squeezed.rank() == 3 && row >= 0) {
      Value inner = row < expert ? split(x, squeezed, 0, 1) : null;
      return inner == null ? null : reshape(to, inner, chosen(shape, expert));
    }
    boolean parts = shape.rank() == 3 && row <= 0 && expert == 1 && x.type().rank() >= 1
        && shape.dim(1).times(shape.dim(2)).equals(x.type().dim(-1));
    if (!parts) {
      return null;
    }
    if (x.op() instanceof Op.Linear(var input, var w, var bias)) {
      Dim f = shape.dim(2);
      Value weights = reshape(to, w, Shape.of(experts, f, w.type().dim(1)));
      Value y = RoutedLinears.linear(Linears.rows(to, input), weights, ids, to);
      return bias == null ? y
          : to.add(new Op.Add(y, to.add(new Op.Gather(reshape(to, bias, Shape.of(experts, f)), ids, 0))));
    }
    if (!Elementwise.is(x.op())) {
      return null;
    }
    var operands = new ArrayList<Value>();
    for (Value operand : OpSchema.operands(x.op())) {
      if (operand.type().rank() == 0) {
        operands.add(operand);
      } else if (shape(operand).equals(shape(x))) {
        operands.add(reshape(to, operand, shape));
      } else if (operand.type().rank() == 1 && operand.type().dim(0).equals(x.type().dim(-1))) {
        operands.add(reshape(to, operand, Shape.of(shape.dim(1), shape.dim(2))));
      } else {
        return null;
      }
    }
    return elementwise(x.op(), operands, shape, row, expert);
  }

  /// One matrix per expert, the experts as the batch.
  private @Nullable Value product(Op.MatMul m, Shape shape, int row, int expert) {
    if (shape.rank() == 3 && expert == 0 && row == 1 && isWeight(m.b()) && m.b().type().rank() == 3
        && m.b().type().dim(0).equals(experts)) {
      Value x = perChoice(m.a());
      Value w = Patterns.transpose(to, m.b());
      return x == null ? null
          : to.add(new Op.Permute(RoutedLinears.linear(x, w, ids, to), List.of(1, 0, 2)));
    }
    // Columns: w [e,o,d] times x [n,(e),d,1].
    if (shape.rank() == 4 && expert == 1 && row <= 0 && shape.dim(3).is(1) && isWeight(m.a())
        && isStack(shape(m.a()))) {
      Value x = of(m.b(), row, 1);
      Dim width = m.b().type().dim(2);
      if (x == null) {
        return null;
      }
      Dim k = x.type().dim(1);
      Value w = reshape(to, m.a(), Shape.of(experts, shape.dim(2), width));
      Value y = RoutedLinears.linear(reshape(to, x, Shape.of(rows(), k, width)), w, ids, to);
      return reshape(to, y, chosen(shape, 1));
    }
    return null;
  }

  private boolean isStack(Shape s) {
    return leading(s, 2).stream().filter(d -> !d.is(1)).toList().equals(List.of(experts));
  }

  /// `[e,n,d]`, or the same for all experts, as `[n,k,d]` or `[n,d]`.
  private @Nullable Value perChoice(Value a) {
    Value x = a.op() instanceof Op.Expand(var y, var _) ? y : a;
    if (x.type().rank() == 2 || x.type().rank() == 3 && x.type().dim(0).is(1)) {
      return reshape(to, x, Shape.of(x.type().dim(-2), x.type().dim(-1)));
    }
    Value chosen = of(a, 1, 0);
    return chosen == null ? null : to.add(new Op.Permute(chosen, List.of(1, 0, 2)));
  }
}
