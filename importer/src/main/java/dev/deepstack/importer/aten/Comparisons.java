package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.function.BinaryOperator;

/// Comparisons, logic, bits and choices. Operands of a comparison meet in PyTorch's promoted type.
final class Comparisons {
  private Comparisons() {}

  static void add(Operators.Builder table) {
    table.aten("eq", c -> compare(c, (a, b) -> c.e.of(new Op.Eq(a, b))))
        .aten("ne not_equal", c -> compare(c, (a, b) -> c.e.of(new Op.Ne(a, b))))
        .aten("lt less", c -> compare(c, (a, b) -> c.e.of(new Op.Lt(a, b))))
        .aten("le less_equal", c -> compare(c, (a, b) -> c.e.of(new Op.Le(a, b))))
        .aten("gt greater", c -> compare(c, (a, b) -> c.e.of(new Op.Gt(a, b))))
        .aten("ge greater_equal", c -> compare(c, (a, b) -> c.e.of(new Op.Ge(a, b))))
        .aten("logical_and", c -> logical(c, (a, b) -> c.e.of(new Op.And(a, b))))
        .aten("logical_or", c -> logical(c, (a, b) -> c.e.of(new Op.Or(a, b))))
        .aten("logical_xor", c -> logical(c, (a, b) -> c.e.of(new Op.Xor(a, b))))
        .aten("logical_not", c -> c.set(c.e.of(new Op.Not(truth(c, "self")))))
        .aten("bitwise_and __and__", c -> c.set(Arithmetic.binary(c, (a, b) -> c.e.of(new Op.And(a, b)))))
        .aten("bitwise_or __or__", c -> c.set(Arithmetic.binary(c, (a, b) -> c.e.of(new Op.Or(a, b)))))
        .aten("bitwise_xor __xor__", c -> c.set(Arithmetic.binary(c, (a, b) -> c.e.of(new Op.Xor(a, b)))))
        .aten("bitwise_not", c -> c.set(c.e.of(new Op.Not(c.tensor("self")))))
        .aten("where", c -> c.set(c.e.select(truth(c, "condition"), Arithmetic.typed(c, "self"),
            Arithmetic.typed(c, "other"))))
        .aten("masked_fill", c ->
            c.set(c.e.select(truth(c, "mask"), Arithmetic.typed(c, "value"), c.tensor("self"))))
        .aten("isnan", c -> c.set(isNan(c.e, c.tensor("self"))))
        .aten("isinf", c -> c.set(isInfinite(c.e, c.tensor("self"))))
        .aten("isfinite", c -> c.set(isFinite(c.e, c.tensor("self"))))
        .aten("isin.Tensor_Tensor", Comparisons::isIn);
  }

  static Value truth(Call c, String name) {
    return c.e.cast(c.tensor(name), DType.BOOL);
  }

  private static void compare(Call c, BinaryOperator<Value> op) {
    Operand a = c.operand("self");
    Operand b = c.operand("other");
    DType type = Operand.promote(List.of(a, b));
    if (a.isWiderScalar(type) || b.isWiderScalar(type)) {
      type = DType.F32;
    }
    c.set(op.apply(a.as(c.e, type), b.as(c.e, type)));
  }

  private static void logical(Call c, BinaryOperator<Value> op) {
    c.set(op.apply(truth(c, "self"), truth(c, "other")));
  }

  static Value isNan(Emit e, Value x) {
    return x.type().dtype().isFloat() ? e.of(new Op.IsNan(x)) : e.full(0, DType.BOOL, x.type().shape());
  }

  static Value isInfinite(Emit e, Value x) {
    if (!x.type().dtype().isFloat()) {
      return e.full(0, DType.BOOL, x.type().shape());
    }
    return e.of(new Op.Eq(e.of(new Op.Abs(x)), e.constant(Double.POSITIVE_INFINITY, x)));
  }

  private static Value isFinite(Emit e, Value x) {
    if (!x.type().dtype().isFloat()) {
      return e.full(1, DType.BOOL, x.type().shape());
    }
    // False for NaN as well: no comparison with NaN holds.
    return e.of(new Op.Lt(e.of(new Op.Abs(x)), e.constant(Double.POSITIVE_INFINITY, x)));
  }

  private static void isIn(Call c) {
    Value x = c.tensor("elements");
    Value tests = c.e.cast(c.e.flatten(c.tensor("test_elements")), x.type().dtype());
    int rank = x.type().rank();
    Value hits = c.e.of(new Op.Eq(c.e.unsqueeze(x, rank), tests));
    Value any = c.e.of(new Op.ReduceMax(hits, List.of(rank), false));
    c.set(c.flag("invert", false) ? c.e.of(new Op.Not(any)) : any);
  }
}
