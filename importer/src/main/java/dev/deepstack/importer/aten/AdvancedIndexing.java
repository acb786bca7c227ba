package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Shapes;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `x[i, :, j]` and `x[i, :, j] = v`: several index tensors with gaps become one index into merged axes.
final class AdvancedIndexing {
  private AdvancedIndexing() {}

  static void add(Operators.Builder table) {
    table.aten("index _unsafe_index", AdvancedIndexing::read)
        .aten("index_put _unsafe_index_put _index_put_impl", AdvancedIndexing::write);
  }

  /// @param order puts the indexed axes together
  /// @param merged `x` with the indexed axes as one, at `axis`
  private record Plan(List<Integer> order, Value permuted, Value merged, Value index, int axis) {}

  private static Plan plan(Emit e, Value x, List<@Nullable Value> indices) {
    var axes = new ArrayList<Integer>();
    var tensors = new ArrayList<Value>();
    for (int i = 0; i < indices.size(); i++) {
      Value index = indices.get(i);
      if (index != null) {
        if (index.type().dtype().isBool() || index.type().dtype() == DType.U8) {
          throw new Refusal("a boolean mask, whose result size depends on data");
        }
        axes.add(i);
        tensors.add(Indexing.wrap(e, index, x.type().dim(i)));
      }
    }
    int count = axes.size();
    boolean adjacent = axes.getLast() - axes.getFirst() == count - 1;
    var order = new ArrayList<>(Emit.axes(x.type().rank()));
    if (!adjacent) {
      order.removeAll(axes);
      order.addAll(0, axes);
    }
    int axis = adjacent ? axes.getFirst() : 0;
    Value permuted = e.permute(x, order);
    var dims = new ArrayList<>(permuted.type().shape().dims());
    Value index = linear(e, tensors, dims.subList(axis, axis + count));
    Dim extent = Dim.ONE;
    for (int i = 0; i < count; i++) {
      extent = extent.times(dims.remove(axis));
    }
    dims.add(axis, extent);
    return new Plan(order, permuted, e.reshape(permuted, dims), index, axis);
  }

  /// `i0*d1*d2 + i1*d2 + i2`, in the common shape.
  private static Value linear(Emit e, List<Value> indices, List<Dim> extents) {
    if (indices.size() == 1) {
      return indices.getFirst();
    }
    Value sum = e.cast(indices.getLast(), DType.I64);
    Dim stride = Dim.ONE;
    for (int i = indices.size() - 2; i >= 0; i--) {
      stride = stride.times(extents.get(i + 1));
      sum = e.add(e.mul(e.cast(indices.get(i), DType.I64), e.dim(stride, DType.I64)), sum);
    }
    return sum;
  }

  private static void read(Call c) {
    List<@Nullable Value> indices = c.tensorsWithGaps("indices");
    Value self = c.tensor("self");
    if (indices.stream().allMatch(i -> i == null)) {
      c.set(self);
      return;
    }
    Plan plan = plan(c.e, self, unmasked(c, indices));
    c.set(c.e.of(new Op.Gather(plan.merged(), plan.index(), plan.axis())));
  }

  private static boolean isMask(@Nullable Value index) {
    return index != null && (index.type().dtype().isBool() || index.type().dtype() == DType.U8);
  }

  /// Every mask as the indices of what is true in it.
  private static List<@Nullable Value> unmasked(Call c, List<@Nullable Value> indices) {
    if (indices.stream().noneMatch(AdvancedIndexing::isMask)) {
      return indices;
    }
    var axes = new ArrayList<Integer>();
    int rank = 1;
    int at = 0;
    for (Value index : indices) {
      int taken = index != null && isMask(index) ? index.type().rank() : 1;
      for (int i = 0; i < taken; i++, at++) {
        if (index != null) {
          axes.add(at);
          rank = isMask(index) ? rank : Math.max(rank, index.type().rank());
        }
      }
    }
    boolean adjacent = axes.getLast() - axes.getFirst() == axes.size() - 1;
    Dim size = c.shape().dim((adjacent ? axes.getFirst() : 0) + rank - 1);
    var all = new ArrayList<@Nullable Value>();
    for (Value index : indices) {
      if (index != null && isMask(index)) {
        all.addAll(DataSizes.columns(c.e, index, size));
      } else {
        all.add(index);
      }
    }
    return all;
  }

  private static void write(Call c) {
    List<@Nullable Value> indices = c.tensorsWithGaps("indices");
    Value self = c.tensor("self");
    Value values = c.e.cast(c.tensor("values"), self.type().dtype());
    boolean accumulate = c.flag("accumulate", false);
    var given = new ArrayList<Value>();
    for (Value index : indices) {
      if (index != null) {
        given.add(index);
      }
    }
    if (given.isEmpty()) {
      c.set(accumulate ? c.e.add(self, values) : c.e.expand(values, self.type().shape()));
    } else if (given.size() == 1 && given.getFirst().type().dtype().isBool()) {
      c.set(masked(c.e, self, given.getFirst(), indices.indexOf(given.getFirst()), values, accumulate));
    } else {
      Plan plan = plan(c.e, self, indices);
      Value merged = plan.merged();
      var dims = new ArrayList<>(merged.type().shape().dims());
      dims.remove(plan.axis());
      dims.addAll(plan.axis(), plan.index().type().shape().dims());
      Value source = broadcast(c.e, values, new Shape(dims));
      Op.Combine combine = accumulate ? Op.Combine.ADD : Op.Combine.SET;
      Value written = c.e.of(new Op.Scatter(merged, plan.index(), source, plan.axis(), combine));
      Value apart = c.e.reshape(written, plan.permuted().type().shape());
      c.set(c.e.permute(apart, Emit.inverse(plan.order())));
    }
  }

  /// Leading axes of extent 1 may be more than the target has.
  private static Value broadcast(Emit e, Value values, Shape target) {
    Value x = values;
    while (x.type().rank() > target.rank() && x.type().dim(0).is(1)) {
      x = e.reshape(x, x.type().shape().without(0));
    }
    return e.expand(x, target);
  }

  private static Value masked(Emit e, Value self, Value mask, int first, Value values, boolean accumulate) {
    int after = self.type().rank() - first - mask.type().rank();
    Value x = values;
    if (x.type().shape().elements().is(1)) {
      x = e.reshape(x, Shape.SCALAR);
    }
    boolean fits = x.type().rank() <= after
        && Shapes.broadcast(x.type().shape(), self.type().shape()) != null;
    if (!fits) {
      if (first != 0 || x.type().rank() != after + 1) {
        throw new Refusal("a boolean mask with one value per element");
      }
      Value each = DataSizes.next(e, mask, x);
      var wide = new ArrayList<>(mask.type().shape().dims());
      for (int i = 0; i < after; i++) {
        wide.add(Dim.ONE);
      }
      return e.select(e.reshape(mask, wide), accumulate ? e.add(self, each) : each, self);
    }
    var dims = new ArrayList<>(mask.type().shape().dims());
    for (int i = 0; i < after; i++) {
      dims.add(Dim.ONE);
    }
    return e.select(e.reshape(mask, dims), accumulate ? e.add(self, x) : x, self);
  }
}
