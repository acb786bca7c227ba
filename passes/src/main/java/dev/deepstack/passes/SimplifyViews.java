package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.axisBefore;
import static dev.deepstack.passes.Patterns.isWeight;
import static dev.deepstack.passes.Patterns.prependsUnits;
import static dev.deepstack.passes.Patterns.reshape;
import static dev.deepstack.passes.Patterns.shape;
import static dev.deepstack.passes.Patterns.splat;
import static dev.deepstack.passes.Patterns.unitless;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Views of views are one view, and views stand in one order: slice inside, then permute, reshape and expand
/// outside; casts of weights outside of all.
final class SimplifyViews {
  private SimplifyViews() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.Reshape(var x, var shape) -> reshaped(x, shape, to);
      case Op.Permute(var x, var axes) -> permuted(x, axes, to);
      case Op.Expand(var x, var shape) -> expanded(x, shape, to);
      case Op.Slice s -> sliced(s, to);
      case Op.Concat(var parts, int axis) -> concatenated(parts, axis, to);
      case Op.Gather(var x, var indices, int axis) -> gathered(x, indices, axis, to);
      case Op.TakeAlong(var x, var indices, int axis) -> taken(x, indices, axis);
      default -> null;
    };
  }

  private static @Nullable Value reshaped(Value x, Shape shape, Rewriter to) {
    if (shape(x).equals(shape)) {
      return x;
    }
    return switch (x.op()) {
      case Op.Reshape(var y, var _) -> to.add(new Op.Reshape(y, shape));
      case Op.Expand(var y, var _) when splat(y) != null && y.type().rank() == 0 ->
          to.add(new Op.Expand(y, shape));
      case Op.Expand(var y, var s) when y.type().rank() == s.rank() && unitless(s).equals(unitless(shape)) ->
          to.add(new Op.Expand(reshape(to, y, unitsElsewhere(shape(y), s, shape)), shape));
      case Op.Cast(var y, var dtype) when isWeight(x) ->
          to.add(new Op.Cast(to.add(new Op.Reshape(y, shape)), dtype));
      // A fold whose axes come back as 1s.
      case Op.Reduction r when !r.keep() && shape.equals(kept(r)) -> to.add(keeping(r));
      case Op.Slice s -> strided(s, shape, to);
      default -> null;
    };
  }

  /// The shape that expands to `to` as `from` does to `expanded`, which differ in extents of 1 only.
  private static Shape unitsElsewhere(Shape from, Shape expanded, Shape to) {
    var dims = new ArrayList<Dim>();
    int at = 0;
    for (Dim extent : to.dims()) {
      if (extent.is(1)) {
        dims.add(Dim.ONE);
        continue;
      }
      while (expanded.dim(at).is(1)) {
        at++;
      }
      dims.add(from.dim(at++));
    }
    return new Shape(dims);
  }

  private static Shape kept(Op.Reduction r) {
    Shape shape = shape(r.x());
    for (int axis : r.axes()) {
      shape = shape.with(axis, Dim.ONE);
    }
    return shape;
  }

  private static Op keeping(Op.Reduction r) {
    return switch (r) {
      case Op.ReduceSum(var x, var axes, var _) -> new Op.ReduceSum(x, axes, true);
      case Op.ReduceProd(var x, var axes, var _) -> new Op.ReduceProd(x, axes, true);
      case Op.ReduceMax(var x, var axes, var _) -> new Op.ReduceMax(x, axes, true);
      case Op.ReduceMin(var x, var axes, var _) -> new Op.ReduceMin(x, axes, true);
    };
  }

  /// `x.view(…, n, 2)[…, i]` is `x[…, i::2]`.
  private static @Nullable Value strided(Op.Slice s, Shape shape, Rewriter to) {
    int last = s.x().type().rank() - 1;
    if (s.axis() != last || last < 1 || !s.size().is(1) || !s.x().type().dim(last).isConstant()
        || !(s.x().op() instanceof Op.Reshape(var x, var paired))
        || !shape.dims().equals(paired.dims().subList(0, last))) {
      return null;
    }
    Dim n = paired.dim(last - 1);
    List<Dim> head = paired.dims().subList(0, last - 1);
    Value flat = reshape(to, x, Patterns.concat(head, n.times(paired.dim(last))));
    return to.add(new Op.Slice(flat, last - 1, s.start(), n, paired.dim(last).constant()));
  }

  private static @Nullable Value permuted(Value x, List<Integer> axes, Rewriter to) {
    if (axes.equals(Patterns.range(0, axes.size()))) {
      return x;
    }
    Shape result = new Shape(axes.stream().map(a -> x.type().dim(a)).toList());
    var moving = axes.stream().filter(a -> !x.type().dim(a).is(1)).toList();
    if (moving.equals(moving.stream().sorted().toList())) {
      return to.add(new Op.Reshape(x, result));
    }
    return switch (x.op()) {
      case Op.Permute(var y, var first) -> to.add(new Op.Permute(y, axes.stream().map(first::get).toList()));
      case Op.Cast(var y, var dtype) when isWeight(x) ->
          to.add(new Op.Cast(to.add(new Op.Permute(y, axes)), dtype));
      case Op.Expand(var y, var _) when y.type().rank() == axes.size() ->
          to.add(new Op.Expand(to.add(new Op.Permute(y, axes)), result));
      case Op.Reshape(var y, var _) when unitless(shape(y)).equals(unitless(shape(x)))
          && y.type().rank() < axes.size() -> unitsLater(x, y, axes, result, to);
      case Op.Reshape(var y, var _) when isWeight(y) -> mergeLater(y, shape(x), axes, result, to);
      default -> null;
    };
  }

  /// Moves extents of 1 that a reshape put in out of the permute's way.
  private static Value unitsLater(Value x, Value y, List<Integer> axes, Shape result, Rewriter to) {
    var real = Patterns.range(0, x.type().rank()).stream().filter(a -> !x.type().dim(a).is(1)).toList();
    var inner = new ArrayList<Integer>();
    var innerReal = new ArrayList<Integer>();
    for (int i = 0; i < y.type().rank(); i++) {
      (y.type().dim(i).is(1) ? inner : innerReal).add(i);
    }
    for (int a : axes) {
      if (!x.type().dim(a).is(1)) {
        inner.add(innerReal.get(real.indexOf(a)));
      }
    }
    return reshape(to, to.add(new Op.Permute(y, inner)), result);
  }

  /// Moves a reshape that only merges neighbouring axes of a weight behind a permute.
  private static @Nullable Value mergeLater(Value y, Shape merged, List<Integer> axes, Shape result,
      Rewriter to) {
    var groups = new ArrayList<List<Integer>>();
    int at = 0;
    for (Dim extent : merged.dims()) {
      var group = new ArrayList<Integer>();
      Dim product = Dim.ONE;
      while (at < y.type().rank() && !product.equals(extent)) {
        product = product.times(y.type().dim(at));
        group.add(at++);
      }
      if (!product.equals(extent) || group.isEmpty()) {
        return null;
      }
      groups.add(group);
    }
    if (at < y.type().rank()) {
      return null;
    }
    List<Integer> inner = axes.stream().flatMap(a -> groups.get(a).stream()).toList();
    return to.add(new Op.Reshape(to.add(new Op.Permute(y, inner)), result));
  }

  private static @Nullable Value expanded(Value x, Shape shape, Rewriter to) {
    if (shape(x).equals(shape)) {
      return x;
    }
    return switch (x.op()) {
      case Op.Expand(var y, var _) -> to.add(new Op.Expand(y, shape));
      case Op.Reshape(var y, var s) when prependsUnits(shape(y), s) -> to.add(new Op.Expand(y, shape));
      default -> null;
    };
  }

  private static @Nullable Value sliced(Op.Slice s, Rewriter to) {
    Value x = s.x();
    int axis = s.axis();
    Shape result = s.infer().shape();
    if (s.start().is(0) && s.step() == 1 && s.size().equals(x.type().dim(axis))) {
      return x;
    }
    return switch (x.op()) {
      case Op.Slice t when t.axis() == axis -> to.add(new Op.Slice(t.x(), axis,
          t.start().plus(s.start().times(t.step())), s.size(), s.step() * t.step()));
      case Op.Permute(var y, var axes) ->
          to.add(new Op.Permute(to.add(new Op.Slice(y, axes.get(axis), s.start(), s.size(), s.step())),
              axes));
      case Op.Cast(var y, var dtype) when isWeight(x) ->
          to.add(new Op.Cast(to.add(new Op.Slice(y, axis, s.start(), s.size(), s.step())), dtype));
      case Op.Expand(var y, var _) -> slicedExpand(s, y, result, to);
      case Op.Reshape(var y, var _) when axisBefore(shape(y), shape(x), axis) >= 0 -> {
        int before = axisBefore(shape(y), shape(x), axis);
        yield reshape(to, to.add(new Op.Slice(y, before, s.start(), s.size(), s.step())), result);
      }
      case Op.Concat(var parts, int along) when along == axis && s.step() == 1 -> slicedConcat(s, parts, to);
      default -> null;
    };
  }

  private static Value slicedExpand(Op.Slice s, Value y, Shape result, Rewriter to) {
    int inner = s.axis() - (s.x().type().rank() - y.type().rank());
    boolean free = inner < 0 || y.type().dim(inner).is(1) && !s.x().type().dim(s.axis()).is(1);
    Value source = free ? y : to.add(new Op.Slice(y, inner, s.start(), s.size(), s.step()));
    return to.add(new Op.Expand(source, result));
  }

  /// A slice that lies within one part.
  private static @Nullable Value slicedConcat(Op.Slice s, List<Value> parts, Rewriter to) {
    Dim at = Dim.ZERO;
    for (Value part : parts) {
      Dim extent = part.type().dim(s.axis());
      Dim start = s.start().minus(at);
      Dim rest = extent.minus(start).minus(s.size());
      if (start.isConstant() && start.constant() >= 0 && rest.isConstant() && rest.constant() >= 0) {
        return to.add(new Op.Slice(part, s.axis(), start, s.size(), 1));
      }
      at = at.plus(extent);
    }
    return null;
  }

  private static @Nullable Value concatenated(List<Value> parts, int axis, Rewriter to) {
    if (parts.size() == 1) {
      return parts.getFirst();
    }
    for (int i = 0; i + 1 < parts.size(); i++) {
      if (parts.get(i).op() instanceof Op.Slice a && parts.get(i + 1).op() instanceof Op.Slice b
          && a.x().equals(b.x()) && a.axis() == axis && b.axis() == axis && a.step() == 1 && b.step() == 1
          && b.start().equals(a.start().plus(a.size()))) {
        var fewer = new ArrayList<>(parts);
        fewer.remove(i + 1);
        fewer.set(i, to.add(new Op.Slice(a.x(), axis, a.start(), a.size().plus(b.size()), 1)));
        return to.add(new Op.Concat(fewer, axis));
      }
    }
    return concatenatedReshapes(parts, axis, to);
  }

  /// Reshapes that leave the axis alone move behind.
  private static @Nullable Value concatenatedReshapes(List<Value> parts, int axis, Rewriter to) {
    var inner = new ArrayList<Value>();
    int before = -1;
    for (Value part : parts) {
      if (!(part.op() instanceof Op.Reshape(var x, var s))) {
        return null;
      }
      int at = axisBefore(shape(x), s, axis);
      boolean fits = inner.isEmpty()
          || at == before && x.type().rank() == inner.getFirst().type().rank()
              && shape(x).without(at).equals(shape(inner.getFirst()).without(at));
      if (at < 0 || !fits) {
        return null;
      }
      before = at;
      inner.add(x);
    }
    Shape result = new Op.Concat(parts, axis).infer().shape();
    return to.add(new Op.Reshape(to.add(new Op.Concat(inner, before)), result));
  }

  private static @Nullable Value gathered(Value x, Value indices, int axis, Rewriter to) {
    Shape result = new Op.Gather(x, indices, axis).infer().shape();
    if (x.op() instanceof Op.Cast(var y, var dtype) && isWeight(x)) {
      return to.add(new Op.Cast(to.add(new Op.Gather(y, indices, axis)), dtype));
    }
    return switch (indices.op()) {
      case Op.Iota(var n) when n.equals(x.type().dim(axis)) -> x;
      case Op.Cast(var i, var _) when i.type().dtype().isInteger() && Bounds.of(indices) != null ->
          to.add(new Op.Gather(x, i, axis));
      case Op.Reshape(var i, var _) -> to.add(new Op.Reshape(to.add(new Op.Gather(x, i, axis)), result));
      case Op.Expand(var i, var _) -> {
        int more = indices.type().rank() - i.type().rank();
        var dims = new ArrayList<>(shape(i).dims());
        for (int j = 0; j < more; j++) {
          dims.addFirst(Dim.ONE);
        }
        yield to.add(new Op.Expand(to.add(new Op.Gather(x, reshape(to, i, new Shape(dims)), axis)), result));
      }
      default -> null;
    };
  }

  /// Along an axis by `0, 1, …` takes everything.
  private static @Nullable Value taken(Value x, Value indices, int axis) {
    if (!shape(x).equals(shape(indices)) || !(indices.op() instanceof Op.Expand(var i, var _))) {
      return null;
    }
    Value iota = i.op() instanceof Op.Reshape(var y, var _) ? y : i;
    int fromEnd = x.type().rank() - axis;
    boolean along = i.type().rank() >= fromEnd && i.type().dim(-fromEnd).equals(x.type().dim(axis));
    return along && iota.op() instanceof Op.Iota && unitless(shape(i)).size() == 1 ? x : null;
  }
}
