package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.isWeight;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// Images between convolutions stay with their channels last: the permute behind a convolution moves down through
/// what follows until it meets the one before the next, and both are gone.
///
/// A convolution of single elements is a linear layer, and one of each channel by itself stays with its channels.
final class ChannelsLast {
  private ChannelsLast() {}

  /// Only graphs with convolutions are touched.
  static Graph run(Graph graph, UnaryOperator<Graph> pass) {
    return graph.ops(Op.Convolution.class).isEmpty() ? graph : pass.apply(graph);
  }

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.Convolution c -> single(c, to);
      case Op.Pad(Value(Op.Permute(var x, var axes), _, _), var low, var high, double value) -> to.add(new Op.Permute(
          to.add(new Op.Pad(x, inverse(low, axes), inverse(high, axes), value)), axes));
      case Op.Windows w when w.x().op() instanceof Op.Permute p -> windows(w, p, to);
      case Op.Reduction r when r.x().op() instanceof Op.Permute p && p.x().type().rank() > 2 -> reduction(r, p, to);
      case Op.Concat(var parts, int axis) -> concat(parts, axis, to);
      case Op.Gather(Value(Op.Permute(var x, var axes), _, _), var indices, int axis)
          when indices.type().rank() == 1 ->
          to.add(new Op.Permute(to.add(new Op.Gather(x, indices, axes.get(axis))), axes));
      case Op.CumSum _ -> null;
      case Op.Unary _, Op.Binary _, Op.Select _, Op.Cast _, Op.Silu _, Op.Gelu _ -> elementwise(op, to);
      default -> null;
    };
  }

  /// `[n,d…,c]` with windows of one element, all of them: rows of a linear layer.
  private static @Nullable Value single(Op.Convolution c, Rewriter to) {
    int space = c.strides().size();
    boolean plain = c.groups() == 1 && c.low().stream().allMatch(p -> p == 0)
        && c.high().stream().allMatch(p -> p == 0) && c.strides().stream().allMatch(s -> s == 1)
        && c.w().type().shape().dims().subList(1, space + 1).stream().allMatch(d -> d.is(1));
    if (!plain) {
      return null;
    }
    Value w = reshape(to, c.w(), Shape.of(c.w().type().dim(0), c.w().type().dim(-1)));
    return to.add(new Op.Linear(c.x(), w, null));
  }

  private static List<Dim> inverse(List<Dim> perAxis, List<Integer> axes) {
    var moved = new ArrayList<>(perAxis);
    for (int i = 0; i < axes.size(); i++) {
      moved.set(axes.get(i), perAxis.get(i));
    }
    return moved;
  }

  private static Value windows(Op.Windows w, Op.Permute p, Rewriter to) {
    int inner = p.axes().get(w.axis());
    var axes = new ArrayList<Integer>();
    for (int i = 0; i < p.axes().size(); i++) {
      int a = p.axes().get(i);
      axes.add(a > inner ? a + 1 : a);
      if (i == w.axis()) {
        axes.add(inner + 1);
      }
    }
    Value y = to.add(new Op.Windows(p.x(), inner, w.count(), w.size(), w.step(), w.dilation()));
    return to.add(new Op.Permute(y, axes));
  }

  private static Value reduction(Op.Reduction r, Op.Permute p, Rewriter to) {
    List<Integer> inner = r.axes().stream().map(p.axes()::get).sorted().toList();
    Value y = to.add(switch (r) {
      case Op.ReduceSum _ -> new Op.ReduceSum(p.x(), inner, r.keep());
      case Op.ReduceProd _ -> new Op.ReduceProd(p.x(), inner, r.keep());
      case Op.ReduceMax _ -> new Op.ReduceMax(p.x(), inner, r.keep());
      case Op.ReduceMin _ -> new Op.ReduceMin(p.x(), inner, r.keep());
    });
    if (r.keep()) {
      return to.add(new Op.Permute(y, p.axes()));
    }
    var left = p.axes().stream().filter(a -> !inner.contains(a)).toList();
    var sorted = left.stream().sorted().toList();
    return to.add(new Op.Permute(y, left.stream().map(sorted::indexOf).toList()));
  }

  private static @Nullable Value concat(List<Value> parts, int axis, Rewriter to) {
    if (!(parts.getFirst().op() instanceof Op.Permute(var _, var axes)) || isWeight(parts.getFirst())) {
      return null;
    }
    var inner = new ArrayList<Value>();
    for (Value part : parts) {
      if (!(part.op() instanceof Op.Permute(var x, var same)) || !same.equals(axes)) {
        return null;
      }
      inner.add(x);
    }
    int along = axis < 0 ? axis + axes.size() : axis;
    return to.add(new Op.Permute(to.add(new Op.Concat(inner, axes.get(along))), axes));
  }

  /// All operands in one order, or easily brought there.
  private static @Nullable Value elementwise(Op op, Rewriter to) {
    int rank = op.infer().rank();
    List<Integer> axes = null;
    for (Value v : OpSchema.operands(op)) {
      if (v.op() instanceof Op.Permute(var x, var a) && a.size() == rank && !isWeight(x)) {
        if (axes != null && !axes.equals(a)) {
          return null;
        }
        axes = a;
      }
    }
    if (axes == null || rank < 3) {
      return null;
    }
    List<Integer> order = axes;
    for (Value v : OpSchema.operands(op)) {
      boolean same = v.op() instanceof Op.Permute(var _, var a) && a.equals(order);
      if (!same && shape(v).dims().stream().filter(d -> !d.is(1)).count() > 1 && !isFree(v)) {
        return null;
      }
    }
    return to.add(new Op.Permute(to.add(OpSchema.map(op, v -> turned(v, order, to))), order));
  }

  /// A value that is one element everywhere.
  private static boolean isFree(Value v) {
    return Patterns.splat(v) != null;
  }

  private static Value turned(Value v, List<Integer> axes, Rewriter to) {
    if (v.op() instanceof Op.Permute(var x, var a) && a.equals(axes)) {
      return x;
    }
    if (v.type().rank() == 0) {
      return v;
    }
    var dims = new ArrayList<>(Collections.nCopies(axes.size() - v.type().rank(), Dim.ONE));
    dims.addAll(shape(v).dims());
    var back = Patterns.range(0, axes.size()).stream().map(axes::indexOf).toList();
    return to.add(new Op.Permute(reshape(to, v, new Shape(dims)), back));
  }
}
