package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;
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

/// Rows sorted by expert, multiplied in groups and put back: the same without sorting.
///
/// What comes back in order is a gather by the inverse permutation, a scatter by the permutation, or a sum
/// into rows. From there the value before sorting is sought: products by groups are routed linear layers.
final class SortedExperts {
  /// `ids [n,k]`, flat, sorted by `order`.
  private final Value ids;
  private final Value flat;
  private final Value order;
  private final Rewriter to;

  private SortedExperts(Value ids, Value flat, Value order, Rewriter to) {
    this.ids = ids;
    this.flat = flat;
    this.order = order;
    this.to = to;
  }

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      // Back in order.
      case Op.Gather(var y, var inverse, int axis) when axis == 0 -> inOrder(op, y, inverted(inverse), to);
      case Op.Scatter(var x, var order, var y, int axis, var combine)
          when axis == 0 && (combine == Op.Combine.SET || is(x, 0)) && order.op() instanceof Op.ArgSort
              && shape(x).equals(shape(y)) -> inOrder(op, y, order, to);
      // Summed into rows.
      case Op.Scatter(var x, var rows, var y, int axis, var combine)
          when axis == 0 && combine == Op.Combine.ADD && is(x, 0) -> {
        SortedExperts sorted = of(sortedBy(rows), to);
        Value before = sorted != null && sorted.isRow(rows) ? sorted.before(y) : null;
        yield before == null || sorted == null ? null
            : to.add(new Op.ReduceSum(sorted.perChoice(before), List.of(1), false));
      }
      default -> null;
    };
  }

  private static @Nullable Value inOrder(Op op, Value y, @Nullable Value order, Rewriter to) {
    SortedExperts sorted = of(order, to);
    Value before = sorted == null || !shape(y).equals(op.infer().shape()) ? null : sorted.before(y);
    return before == null || sorted == null ? null
        : reshape(to, sorted.perChoice(before), op.infer().shape());
  }

  private static @Nullable SortedExperts of(@Nullable Value order, Rewriter to) {
    if (order == null || !(order.op() instanceof Op.ArgSort(var flat, boolean descending))
        || descending || flat.type().rank() != 1) {
      return null;
    }
    Value source = flat.op() instanceof Op.Reshape(var x, var _) ? x : flat;
    int rank = source.type().rank();
    Dim k = rank < 2 ? Dim.ONE : source.type().dim(-1);
    Dim n = flat.type().dim(0).floorDiv(k);
    return new SortedExperts(reshape(to, source, Shape.of(n, k)), flat, order, to);
  }

  /// The permutation that a value is the inverse of, or null.
  private static @Nullable Value inverted(Value v) {
    return switch (v.op()) {
      case Op.ArgSort(var order, boolean descending) when !descending && order.op() instanceof Op.ArgSort ->
          order;
      case Op.Scatter(var x, var order, Value(Op.Iota(var n), _, _), int _, var combine)
          when combine == Op.Combine.SET && order.op() instanceof Op.ArgSort && x.type().rank() == 1
              && x.type().dim(0).equals(n) -> order;
      default -> null;
    };
  }

  /// The permutation that a vector of row numbers was sorted by, or null.
  private static @Nullable Value sortedBy(Value rows) {
    return switch (rows.op()) {
      case Op.FloorDiv(var order, var _) when order.op() instanceof Op.ArgSort -> order;
      case Op.Gather(var _, var order, int _) when order.op() instanceof Op.ArgSort -> order;
      case Op.TakeAlong(var _, var order, int _) when order.op() instanceof Op.ArgSort -> order;
      default -> null;
    };
  }

  private Dim rows() {
    return ids.type().dim(0);
  }

  private Dim choices() {
    return ids.type().dim(1);
  }

  /// Whether sorted row numbers: which row each sorted choice belongs to.
  private boolean isRow(Value v) {
    if (v.op() instanceof Op.FloorDiv(var o, var k)) {
      return o.equals(order) && choices().isConstant() && is(k, choices().constant());
    }
    Value numbers = v.op() instanceof Op.Gather(var x, var o, int _) && o.equals(order) ? x
        : v.op() instanceof Op.TakeAlong(var x, var o, int _) && o.equals(order) ? x : null;
    return numbers != null && numbers.op() instanceof Op.Reshape(Value(Op.Expand(var e, var s), _, _), var _)
        && s.equals(shape(ids)) && e.op() instanceof Op.Reshape(Value(Op.Iota(var n), _, _), var column)
        && n.equals(rows()) && column.equals(Shape.of(rows(), Dim.ONE));
  }

  /// With an own value for every choice.
  private Value perChoice(Value v) {
    Shape shape = shape(v).with(1, choices());
    return shape(v).equals(shape) ? v : to.add(new Op.Expand(v, shape));
  }

  private static Shape withLead(List<Dim> lead, Shape shape) {
    var dims = new ArrayList<>(lead);
    dims.addAll(shape.dims().subList(1, shape.rank()));
    return new Shape(dims);
  }

  private List<Dim> lead() {
    return List.of(rows(), choices());
  }

  /// The value `[n,k,…]`, or `[n,1,…]` where all choices share it, that sorts to `v`; null when not known.
  private @Nullable Value before(Value v) {
    if (v.type().rank() == 0 || !v.type().dim(0).equals(flat.type().dim(0))) {
      return null;
    }
    if (Elementwise.is(v.op())) {
      return elementwise(v);
    }
    return switch (v.op()) {
      case Op.TakeAlong(var x, var o, int axis) when axis == 0 && o.equals(order) && v.type().rank() == 1 ->
          reshape(to, x, shape(ids));
      case Op.Gather(var x, var o, int axis) when axis == 0 -> gathered(x, o);
      case Op.Reshape(var x, var s) when x.type().rank() > 0 && x.type().dim(0).equals(s.dim(0)) -> {
        Value inner = before(x);
        yield inner == null ? null : reshape(to, inner, withLead(List.of(rows(), inner.type().dim(1)), s));
      }
      case Op.Slice(var x, int axis, var start, var size, long step) when axis > 0 -> {
        Value inner = before(x);
        yield inner == null ? null : to.add(new Op.Slice(inner, axis + 1, start, size, step));
      }
      case Op.Expand(var x, var s) when x.type().rank() == s.rank() && x.type().dim(0).equals(s.dim(0)) -> {
        Value inner = before(x);
        yield inner == null ? null
            : to.add(new Op.Expand(inner, withLead(List.of(rows(), inner.type().dim(1)), s)));
      }
      case Op.Linear(var x, var w, var bias) when x.type().rank() > 1 -> {
        Value inner = before(x);
        yield inner == null ? null : to.add(new Op.Linear(inner, w, bias));
      }
      case Op.GroupedMatMul(var x, var w, var offsets) when isOffsets(offsets, w.type().dim(0)) -> {
        Value inner = before(x);
        yield inner == null ? null : RoutedLinears.linear(inner, Patterns.transpose(to, w), ids, to);
      }
      default -> null;
    };
  }

  private @Nullable Value gathered(Value x, Value index) {
    if (index.equals(order)) {
      return x.type().dim(0).equals(flat.type().dim(0)) ? reshape(to, x, withLead(lead(), shape(x))) : null;
    }
    if (isRow(index)) {
      return x.type().dim(0).equals(rows())
          ? reshape(to, x, withLead(List.of(rows(), Dim.ONE), shape(x))) : null;
    }
    Value numbers = index.type().rank() == 1 ? before(index) : null;
    return numbers == null ? null : to.add(new Op.Gather(x, numbers, 0));
  }

  private @Nullable Value elementwise(Value v) {
    var operands = new ArrayList<Value>();
    for (Value operand : OpSchema.operands(v.op())) {
      if (operand.type().rank() < v.type().rank()) {
        operands.add(operand);
      } else if (operand.type().dim(0).is(1) && !v.type().dim(0).is(1)) {
        operands.add(reshape(to, operand, shape(operand).without(0)));
      } else {
        Value inner = before(operand);
        if (inner == null) {
          return null;
        }
        operands.add(inner);
      }
    }
    return to.add(Elementwise.with(v.op(), operands));
  }

  /// Whether `v[e]` is how many ids are at most `e`.
  private boolean isOffsets(Value v, Dim experts) {
    return switch (v.op()) {
      case Op.Cast(var x, var _) -> isOffsets(x, experts);
      case Op.CumSum(var counts, int axis) -> axis == 0 && isCounts(counts, experts);
      // Sought in the sorted ids.
      case Op.ReduceSum(Value(Op.Cast(Value(Op.Le(var a, var b), var type, _), var _), _, _), var axes,
          boolean keep) ->
          !keep && axes.equals(List.of(1)) && type.rank() == 2 && isIds(a) && isExperts(b, experts, 0);
      default -> false;
    };
  }

  private boolean isCounts(Value v, Dim experts) {
    return switch (v.op()) {
      case Op.Cast(var x, var _) -> isCounts(x, experts);
      case Op.ScatterAlong(var x, var i, var one, int _, var combine) ->
          is(x, 0) && isIds(i) && is(one, 1) && combine == Op.Combine.ADD
              && shape(v).equals(Shape.of(experts));
      case Op.Scatter(var x, var i, var one, int _, var combine) ->
          is(x, 0) && isIds(i) && is(one, 1) && combine == Op.Combine.ADD
              && shape(v).equals(Shape.of(experts));
      case Op.ReduceSum(Value(Op.Cast(Value(Op.Eq(var a, var b), var type, _), var _), _, _), var axes,
          boolean keep) ->
          !keep && axes.equals(Patterns.range(0, type.rank() - 1)) && isIds(a)
              && a.type().dim(-1).is(1) && isExperts(b, experts, type.rank() - 1);
      default -> false;
    };
  }

  /// `0, 1, … e-1` along an axis.
  private static boolean isExperts(Value v, Dim experts, int axis) {
    Value source = v.op() instanceof Op.Reshape(var x, var _) ? x : v;
    boolean along = axis == 0 ? v.type().rank() == 2 && v.type().dim(0).equals(experts)
        : v.type().dim(-1).equals(experts);
    return source.op() instanceof Op.Iota(var n) && n.equals(experts) && along;
  }

  /// The ids in some order and shape.
  private boolean isIds(Value v) {
    if (v.equals(ids) || v.equals(flat)) {
      return true;
    }
    return switch (v.op()) {
      case Op.Reshape(var x, var _) -> isIds(x);
      case Op.Cast(var x, var dtype) -> dtype.isInteger() && isIds(x);
      case Op.TakeAlong(var x, var o, int _) -> o.equals(order) && isIds(x);
      case Op.Gather(var x, var o, int _) -> o.equals(order) && isIds(x);
      // The bins of a histogram with one bin per id.
      case Op.Min(Value(Op.Cast(Value(Op.Floor(var scaled), _, _), var _), _, _), var last) ->
          isBin(scaled, last);
      default -> false;
    };
  }

  private boolean isBin(Value scaled, Value last) {
    return scaled.op() instanceof Op.Div(Value(Op.Mul(Value(Op.Cast(var x, var _), _, _), var bins), _, _),
        var span)
        && isIds(x) && isBinPerId(x, bins, span, last);
  }

  /// `floor(x * b / (b - 1))`, at most `b - 1`, is `x` for integers `0 <= x < b`; exact in f32 for few bins.
  private static boolean isBinPerId(Value x, Value bins, Value span, Value last) {
    Double b = Patterns.splat(bins);
    Bounds bounds = Bounds.of(x);
    return b != null && b <= 1024 && is(span, b - 1) && is(last, b - 1)
        && bounds != null && bounds.min() >= 0 && bounds.max() < b;
  }
}
