package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;

/// Tensors from nothing: scalars expanded, and counted sequences. Dtype and shape come from the file.
final class Creation {
  private Creation() {}

  static void add(Operators.Builder table) {
    table.aten("zeros zeros_like new_zeros", c -> filled(c, 0))
        .aten("empty empty_like new_empty empty_permuted empty_strided new_empty_strided", c -> filled(c, 0))
        .aten("ones ones_like new_ones", c -> filled(c, 1))
        .aten("full full_like new_full", c -> c.set(c.e.expand(Arithmetic.typed(c, "fill_value"), c.shape())))
        .aten("scalar_tensor", c -> c.set(Arithmetic.typed(c, "s")))
        .aten("arange", Creation::arange)
        .aten("linspace", Creation::linspace)
        .aten("eye", Creation::eye);
  }

  private static void filled(Call c, double value) {
    c.set(c.e.full(value, c.dtype(), c.shape()));
  }

  private static void arange(Call c) {
    Operand start = c.operand("start", 0);
    Operand step = c.operand("step", 1);
    DType dtype = c.dtype();
    Value i = c.e.of(new Op.Iota(c.shape().dim(0)));
    // Float sequences of whole numbers are exact in integers; others are counted in f64, as PyTorch does.
    DType type = isWhole(start) && isWhole(step) ? DType.I64 : DType.F64;
    Value x = c.e.cast(i, type);
    if (step.tensor() != null || step.number() != 1) {
      x = c.e.mul(x, step.as(c.e, type));
    }
    if (start.tensor() != null || start.number() != 0) {
      x = c.e.add(x, start.as(c.e, type));
    }
    c.set(c.e.cast(x, dtype));
  }

  private static boolean isWhole(Operand x) {
    return x.tensor() == null ? x.number() == Math.rint(x.number()) : !x.dtype().isFloat();
  }

  private static void linspace(Call c) {
    Operand start = c.operand("start");
    Operand end = c.operand("end");
    Dim steps = c.shape().dim(0);
    Value first = start.as(c.e, DType.F64);
    if (steps.is(1)) {
      c.set(c.e.reshape(first, Shape.of(1)));
      return;
    }
    Value width = c.e.sub(end.as(c.e, DType.F64), first);
    Value step = c.e.div(width, c.e.dim(steps.minus(1), DType.F64));
    Value i = c.e.cast(c.e.of(new Op.Iota(steps)), DType.F64);
    c.set(c.e.cast(c.e.add(c.e.mul(i, step), first), c.dtype()));
  }

  private static void eye(Call c) {
    Value offset = c.e.columnMinusRow(c.shape().dim(0), c.shape().dim(1));
    c.set(c.e.cast(c.e.of(new Op.Eq(offset, c.e.constant(0, offset))), c.dtype()));
  }
}
