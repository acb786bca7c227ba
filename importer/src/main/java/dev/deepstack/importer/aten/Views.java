package dev.deepstack.importer.aten;

import dev.deepstack.importer.aten.ViewStep.Broadcast;
import dev.deepstack.importer.aten.ViewStep.Permuted;
import dev.deepstack.importer.aten.ViewStep.Reshaped;
import dev.deepstack.importer.aten.ViewStep.Sliced;
import dev.deepstack.importer.pt2.TensorMeta;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/// Operators whose result shares storage with their argument. Shapes come from the file.
final class Views {
  private Views() {}

  static void add(Operators.Builder table) {
    table.aten("view _unsafe_view view_as unsqueeze squeeze unflatten", Views::reshaped)
        .aten("reshape reshape_as flatten ravel", Views::reshapedOrCopied)
        .aten("contiguous", Views::contiguous)
        .aten("expand expand_as broadcast_to", c -> c.view("self", new Broadcast(c.shape())))
        .aten("permute", c -> c.view("self", new Permuted(c.axesInOrder("dims", rank(c)))))
        .aten("transpose", c -> swap(c, "dim0", "dim1"))
        .aten("swapaxes", c -> swap(c, "axis0", "axis1"))
        .aten("swapdims", c -> swap(c, "dim0", "dim1"))
        .aten("t numpy_T", c -> c.view("self", new Permuted(Emit.axes(rank(c)).reversed())))
        .aten("mT", c -> c.view("self", new Permuted(Emit.swapped(rank(c), rank(c) - 2, rank(c) - 1))))
        .aten("movedim moveaxis", Views::moved)
        .aten("slice", Views::slice)
        .aten("narrow", c -> c.view("self", sliceStep(c, "dim", "start")))
        .aten("select", c -> c.view("self", selectSteps(c, rank(c))))
        .aten("diagonal", c -> c.view("self", diagonalSteps(c, c.tensor("self").type())))
        .aten("split split_with_sizes chunk tensor_split hsplit vsplit unsafe_split unsafe_chunk"
            + " split_copy split_with_sizes_copy unsafe_split_with_sizes", Views::split)
        .aten("unbind", Views::unbind)
        .aten("unfold", Views::unfold);
  }

  private static int rank(Call c) {
    return c.tensor("self").type().rank();
  }

  private static void reshaped(Call c) {
    c.view("self", new Reshaped(c.shape()));
  }

  private static void reshapedOrCopied(Call c) {
    if (c.isComplex("self") || isViewable(c.meta("self"), c.shape())) {
      reshaped(c);
    } else {
      c.set(c.e.reshape(c.tensor("self"), c.shape()));
    }
  }

  private static void contiguous(Call c) {
    if (isContiguous(c.meta("self"))) {
      c.alias("self");
    } else {
      c.set(c.tensor("self"));
    }
  }

  /// Whether PyTorch can give the tensor that shape without a copy: each run of axes that lies packed in
  /// memory must become whole axes of the new shape.
  private static boolean isViewable(TensorMeta meta, Shape shape) {
    if (meta.shape().rank() == 0 || meta.shape().elements().is(0)
        || meta.strides().size() != meta.shape().rank()) {
      return true;
    }
    int to = shape.rank() - 1;
    Dim stride = meta.strides().getLast();
    Dim packed = Dim.ONE;
    for (int from = meta.shape().rank() - 1; from >= 0; from--) {
      packed = packed.times(meta.shape().dim(from));
      boolean continues = from > 0
          && (meta.shape().dim(from - 1).is(1) || meta.strides().get(from - 1).equals(packed.times(stride)));
      if (continues) {
        continue;
      }
      Dim taken = Dim.ONE;
      while (to >= 0 && (!taken.equals(packed) || shape.dim(to).is(1))) {
        taken = taken.times(shape.dim(to--));
      }
      if (!taken.equals(packed)) {
        return false;
      }
      stride = from > 0 ? meta.strides().get(from - 1) : stride;
      packed = Dim.ONE;
    }
    return to < 0;
  }

  static boolean isContiguous(TensorMeta meta) {
    List<Dim> packed = meta.shape().strides();
    for (int i = 0; i < meta.shape().rank() && i < meta.strides().size(); i++) {
      if (!meta.shape().dim(i).is(1) && !packed.get(i).equals(meta.strides().get(i))) {
        return false;
      }
    }
    return true;
  }

  private static void swap(Call c, String first, String second) {
    int rank = rank(c);
    if (rank == 0) {
      c.alias("self");
      return;
    }
    c.view("self", new Permuted(Emit.swapped(rank, c.axis(first, 0, rank), c.axis(second, 1, rank))));
  }

  private static void moved(Call c) {
    int rank = rank(c);
    List<Integer> from = c.axesInOrder("source", rank);
    List<Integer> to = c.axesInOrder("destination", rank);
    var rest = new ArrayList<>(Emit.axes(rank));
    rest.removeAll(from);
    var axes = new ArrayList<Integer>();
    for (int i = 0; i < rank; i++) {
      axes.add(to.contains(i) ? from.get(to.indexOf(i)) : rest.removeFirst());
    }
    c.view("self", new Permuted(axes));
  }

  private static void slice(Call c) {
    c.view("self", sliceStep(c, "dim", "start"));
  }

  /// A slice whose size is that of the result.
  static Sliced sliceStep(Call c, String dimName, String startName) {
    TensorType x = c.tensor("self").type();
    int axis = c.axis(dimName, 0, x.rank());
    Dim start = start(c.dim(startName, Dim.ZERO), x.dim(axis));
    Dim size = c.shape().dim(axis);
    long step = c.integer("step", 1);
    if (c.e.isOpen(size.toString())) {
      c.e.bind(size, sliceSize(c, start, step, x.dim(axis)));
    }
    c.e.checkSlice(start, size, step, x.dim(axis));
    return new Sliced(axis, start, size, step);
  }

  /// How many elements there are between a start and an end that the data decide.
  private static Value sliceSize(Call c, Dim start, long step, Dim extent) {
    Emit e = c.e;
    Value all = e.dim(extent, DType.I64);
    Value zero = e.constant(0, DType.I64);
    Value end = e.dim(c.dim("end", extent), DType.I64);
    Value counted = e.select(e.less(end, 0), e.add(end, all), end);
    Value inside = e.of(new Op.Max(zero, e.of(new Op.Min(counted, all))));
    Value between = e.add(e.sub(inside, e.dim(start, DType.I64)), step - 1);
    return e.of(new Op.FloorDiv(e.of(new Op.Max(zero, between)), e.constant(step, DType.I64)));
  }

  /// The start as Python means it: from the end when negative, and never outside.
  static Dim start(Dim start, Dim extent) {
    if (isNegative(start)) {
      start = start.plus(extent);
      return start.isConstant() && start.constant() < 0 ? Dim.ZERO : start;
    }
    boolean beyond = start.isConstant() && extent.isConstant() && start.constant() > extent.constant();
    return beyond ? extent : start;
  }

  /// Whether every value of the dim is negative, as far as signs of its terms tell: symbols are never
  /// negative.
  private static boolean isNegative(Dim dim) {
    return !dim.terms().isEmpty() && dim.terms().stream().allMatch(t -> t.coefficient() < 0);
  }

  static ViewStep[] selectSteps(Call c, int rank) {
    Shape x = c.tensor("self").type().shape();
    int axis = c.axis("dim", 0, rank);
    Dim index = c.dim("index", Dim.ZERO);
    Dim at = isNegative(index) ? index.plus(x.dim(axis)) : index;
    return new ViewStep[] {new Sliced(axis, at, Dim.ONE, 1), new Reshaped(x.without(axis))};
  }

  /// The two axes go last and become one, in which the diagonal is every `(m+1)`-th element.
  static ViewStep[] diagonalSteps(Call c, TensorType x) {
    int rank = x.rank();
    int first = c.axis("dim1", 0, rank);
    int second = c.axis("dim2", 1, rank);
    long offset = c.integer("offset", 0);
    var axes = new ArrayList<>(Emit.axes(rank));
    axes.removeAll(List.of(first, second));
    var dims = new ArrayList<>(axes.stream().map(x::dim).toList());
    axes.addAll(List.of(first, second));
    Dim rows = x.dim(first);
    Dim columns = x.dim(second);
    if (!rows.isConstant() || !columns.isConstant()) {
      throw new Refusal("the diagonal of a dynamic size");
    }
    long n = rows.constant();
    long m = columns.constant();
    dims.add(Dim.of(n * m));
    long start = offset >= 0 ? offset : -offset * m;
    long size = Math.max(0, offset >= 0 ? Math.min(n, m - offset) : Math.min(n + offset, m));
    return new ViewStep[] {
      new Permuted(axes), new Reshaped(new Shape(dims)),
          new Sliced(rank - 2, Dim.of(start), Dim.of(size), m + 1)
    };
  }

  private static void split(Call c) {
    TensorType x = c.tensor("self").type();
    int axis = c.axis("dim", 0, x.rank());
    Dim start = Dim.ZERO;
    for (int i = 0; i < c.resultCount(); i++) {
      Dim size = c.type(i).dim(axis);
      c.view(i, "self", new Sliced(axis, start, size, 1));
      start = start.plus(size);
    }
  }

  private static void unbind(Call c) {
    TensorType x = c.tensor("self").type();
    int axis = c.axis("dim", 0, x.rank());
    for (int i = 0; i < c.resultCount(); i++) {
      c.view(i, "self", new Sliced(axis, Dim.of(i), Dim.ONE, 1), new Reshaped(x.shape().without(axis)));
    }
  }

  /// Overlapping windows: `result[…, i, …, j] = x[…, i*step + j, …]`, the window last.
  private static void unfold(Call c) {
    TensorType x = c.tensor("self").type();
    int axis = c.axis("dimension", 0, x.rank());
    c.view("self", new ViewStep.Unfolded(axis, c.shape().dim(axis), c.integer("size", 1), c.integer("step", 1)));
  }
}
