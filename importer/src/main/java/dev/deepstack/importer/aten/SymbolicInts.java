package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.function.BinaryOperator;
import java.util.function.Supplier;

/// Arithmetic on sizes. The file says what every integer is in terms of the symbols, so only floats and truth values
/// need ops, and numbers that come out of data.
final class SymbolicInts {
  private static final Lowering RECORDED = _ -> {};

  private SymbolicInts() {}

  static void add(Operators.Builder table) {
    table.aten("sym_size sym_numel sym_stride sym_storage_offset", RECORDED);
    for (String name : new String[] {"floordiv", "mod", "neg", "lshift", "rshift"}) {
      table.add("_operator." + name, RECORDED);
    }
    compare(table, "eq", Op.Eq::new);
    compare(table, "ne", Op.Ne::new);
    compare(table, "lt", Op.Lt::new);
    compare(table, "le", Op.Le::new);
    compare(table, "gt", Op.Gt::new);
    compare(table, "ge", Op.Ge::new);
    table.add("torch.sym_int", RECORDED)
        .add("math.trunc", RECORDED)
        .add("math.floor", RECORDED)
        .add("math.ceil", RECORDED)
        .add("_operator.and_", c -> truth(c, () -> c.e.of(new Op.And(bool(c, "a"), bool(c, "b")))))
        .add("_operator.or_", c -> truth(c, () -> c.e.of(new Op.Or(bool(c, "a"), bool(c, "b")))))
        .add("_operator.not_", c -> truth(c, () -> c.e.of(new Op.Not(bool(c, "a")))))
        .add("torch.sym_not", c -> truth(c, () -> c.e.of(new Op.Not(bool(c, "a")))))
        .add("torch.sym_max", c -> binary(c, (a, b) -> c.e.of(new Op.Max(a, b))))
        .add("torch.sym_min", c -> binary(c, (a, b) -> c.e.of(new Op.Min(a, b))))
        .add("torch.sym_ite", c -> number(c, () -> c.e.select(bool(c, "b"), operand(c, "t"), operand(c, "f"))))
        .add("torch.sym_float", c -> number(c, () -> operand(c, "a")))
        .add("torch.sym_sqrt", c -> number(c, () -> c.e.of(new Op.Sqrt(operand(c, "a")))))
        .add("_operator.pow", c -> binary(c, (a, b) -> c.e.of(new Op.Pow(a, b))))
        .add("_operator.add", c -> binary(c, c.e::add))
        .add("_operator.sub", c -> binary(c, c.e::sub))
        .add("_operator.mul", c -> binary(c, c.e::mul))
        .add("_operator.truediv", c -> binary(c, c.e::div));
    table.aten("item _local_scalar_dense", SymbolicInts::item)
        .aten("_assert_scalar", SymbolicInts::check)
        .aten("_assert_async", c -> c.e.check(sentence(c.text("assert_msg", "")), c.e.truth(c.tensor("self"))))
        .aten("sym_is_contiguous", c -> truth(c,
            () -> c.e.constant(Views.isContiguous(c.meta("self")) ? 1 : 0, DType.BOOL)))
        .aten("sym_constrain_range sym_constrain_range_for_size", SymbolicInts::constrain)
        .aten("_check_is_size", RECORDED);
  }

  private static void compare(Operators.Builder table, String name, BinaryOperation op) {
    table.add("_operator." + name, c -> truth(c, () -> {
      Operand a = c.operand("a");
      Operand b = c.operand("b");
      DType type = a.dtype().isFloat() || b.dtype().isFloat() ? DType.F64 : DType.I64;
      return c.e.of(op.of(a.as(c.e, type), b.as(c.e, type)));
    }));
  }

  private interface BinaryOperation {
    Op of(Value a, Value b);
  }

  private static Value operand(Call c, String name) {
    return c.operand(name).as(c.e, DType.F64);
  }

  private static Value bool(Call c, String name) {
    return c.operand(name).as(c.e, DType.BOOL);
  }

  private static void binary(Call c, BinaryOperator<Value> op) {
    number(c, () -> op.apply(operand(c, "a"), operand(c, "b")));
  }

  private static void number(Call c, Supplier<Value> value) {
    if (c.givesFloat()) {
      c.setNumber(value.get());
    }
  }

  private static void truth(Call c, Supplier<Value> value) {
    if (c.givesTruth()) {
      c.setNumber(value.get());
    }
  }

  private static void item(Call c) {
    Value x = c.tensor("self");
    Dim size = c.resultDim();
    if (size != null) {
      c.e.bind(size, x);
    } else if (c.givesFloat()) {
      c.setNumber(c.e.cast(c.e.reshape(x, dev.deepstack.tensor.Shape.SCALAR), DType.F64));
    } else if (c.givesTruth()) {
      c.setNumber(c.e.truth(x));
    }
  }

  /// What the file says about a size that nothing here needs, as an offset into a storage, is not looked at.
  private static void check(Call c) {
    Value condition = bool(c, "self");
    if (!c.e.isOpen(condition)) {
      c.e.check(sentence(c.text("assert_msg", "")), condition);
    }
  }

  private static void constrain(Call c) {
    Value size = c.operand("size").as(c.e, DType.I64);
    if (c.has("min")) {
      double min = c.number("min", 0);
      c.e.check("the model requires a size that the inputs decide to be at least " + (long) min + "; change the inputs",
          c.e.of(new Op.Ge(size, c.e.constant(min, DType.I64))));
    }
    if (c.has("max") && c.number("max", 0) < 1L << 53) {
      double max = c.number("max", 0);
      c.e.check("the model requires a size that the inputs decide to be at most " + (long) max + "; change the inputs",
          c.e.of(new Op.Le(size, c.e.constant(max, DType.I64))));
    }
  }

  /// PyTorch's message as a sentence for the caller.
  private static String sentence(String message) {
    String expression = message.replaceFirst("Runtime assertion failed for expression (.*) on node .*", "$1");
    return expression.isBlank() ? "the model asserts something that these inputs do not meet; change the inputs"
        : "the model requires " + expression + ", which these inputs do not meet; change the inputs";
  }
}
