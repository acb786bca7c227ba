package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;

/// Writing by one index tensor, and writing a slice.
final class Scattering {
  private Scattering() {}

  static void add(Operators.Builder table) {
    table.aten("scatter.src", c -> along(c, source(c), Op.Combine.SET))
        .aten("scatter.value", c -> along(c, Arithmetic.typed(c, "value"), Op.Combine.SET))
        .aten("scatter_add", c -> along(c, source(c), Op.Combine.ADD))
        .aten("masked_scatter", Scattering::masked)
        .aten("index_copy", c -> slices(c, c.tensor("source"), Op.Combine.SET))
        .aten("index_add", Scattering::indexAdd)
        .aten("index_fill", c -> slices(c, Arithmetic.typed(c, "value"), Op.Combine.SET))
        .aten("slice_scatter", c -> put(c, new ViewStep[] {scatterSlice(c)}))
        .aten("select_scatter", c -> put(c, Views.selectSteps(c, c.tensor("self").type().rank())))
        .aten("diagonal_scatter", c -> put(c, Views.diagonalSteps(c, c.tensor("self").type())));
  }

  static Value source(Call c) {
    return c.e.cast(c.tensor("src"), c.tensor("self").type().dtype());
  }

  /// The part of `source` that the indices cover, or a scalar for all of them.
  private static void along(Call c, Value source, Op.Combine combine) {
    Value x = c.tensor("self");
    Value index = c.tensor("index");
    if (x.type().rank() == 0) {
      Value one = c.e.reshape(source, dev.deepstack.tensor.Shape.SCALAR);
      c.set(combine == Op.Combine.ADD ? c.e.add(x, one) : one);
      return;
    }
    Value part = covered(c, source, index);
    c.set(c.e.of(new Op.ScatterAlong(x, index, part, c.axis("dim", 0, x.type().rank()), combine)));
  }

  /// The part of a source, or a scalar for all of it, that has an index.
  static Value covered(Call c, Value source, Value index) {
    Value part = source.type().rank() == 0 ? c.e.expand(source, index.type().shape()) : source;
    for (int axis = 0; axis < part.type().rank(); axis++) {
      part = c.e.slice(part, axis, Dim.ZERO, index.type().dim(axis), 1);
    }
    return part;
  }

  /// Where the mask holds, the elements of the source one after another.
  private static void masked(Call c) {
    Emit e = c.e;
    Value x = c.tensor("self");
    Value mask = e.expand(c.tensor("mask"), x.type().shape());
    Value source = e.flatten(e.cast(c.tensor("source"), x.type().dtype()));
    Value number = e.of(new Op.CumSum(e.cast(e.flatten(mask), DType.I64), 0));
    Value index = e.of(new Op.Max(e.sub(number, e.constant(1, number)), e.constant(0, number)));
    Value last = e.dim(source.type().dim(0).minus(1), DType.I64);
    Value taken = e.of(new Op.Gather(source, e.of(new Op.Min(index, last)), 0));
    c.set(e.select(mask, e.reshape(taken, x.type().shape()), x));
  }

  private static void indexAdd(Call c) {
    Value source = c.e.cast(c.tensor("source"), c.tensor("self").type().dtype());
    Operand alpha = c.operand("alpha", 1);
    boolean plain = alpha.tensor() == null && alpha.number() == 1;
    slices(c, plain ? source : c.e.mul(source, alpha.as(c.e, source.type().dtype())), Op.Combine.ADD);
  }

  private static void slices(Call c, Value source, Op.Combine combine) {
    Value x = c.tensor("self");
    int axis = c.axis("dim", 0, x.type().rank());
    Value index = c.e.flatten(c.tensor("index"));
    Value typed = c.e.cast(source, x.type().dtype());
    Value part = c.e.expand(typed, x.type().shape().with(axis, index.type().dim(0)));
    c.set(c.e.of(new Op.Scatter(x, index, part, axis, combine)));
  }

  /// The slice that the source covers: its extent is the size.
  private static ViewStep.Sliced scatterSlice(Call c) {
    Value x = c.tensor("self");
    int axis = c.axis("dim", 0, x.type().rank());
    Dim start = Views.start(c.dim("start", Dim.ZERO), x.type().dim(axis));
    return new ViewStep.Sliced(axis, start, c.tensor("src").type().dim(axis), c.integer("step", 1));
  }

  private static void put(Call c, ViewStep[] steps) {
    Value self = c.tensor("self");
    var whole = Variable.of(self);
    Variable part = whole;
    for (ViewStep step : steps) {
      part = part.view(step);
    }
    var type = part.read(c.e).type();
    part.write(c.e, c.e.expand(c.e.cast(c.tensor("src"), type.dtype()), type.shape()));
    c.set(whole.read(c.e));
  }
}
