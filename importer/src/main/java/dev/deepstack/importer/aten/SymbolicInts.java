package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.function.BinaryOperator;

/// Arithmetic on sizes. The file says what every integer is in terms of the symbols, so only floats need ops.
final class SymbolicInts {
  private static final Lowering RECORDED = _ -> {};

  private SymbolicInts() {}

  static void add(Operators.Builder table) {
    table.aten("sym_size sym_numel sym_stride sym_storage_offset", RECORDED);
    for (String name : new String[] {"floordiv", "mod", "pow", "neg", "eq", "ne", "lt", "le", "gt", "ge",
        "and_", "or_",
        "lshift", "rshift", "not_"}) {
      table.add("_operator." + name, RECORDED);
    }
    for (String name : new String[] {"sym_max", "sym_min", "sym_not", "sym_ite", "sym_int"}) {
      table.add("torch." + name, RECORDED);
    }
    table.add("math.trunc", RECORDED)
        .add("math.floor", RECORDED)
        .add("math.ceil", RECORDED)
        .add("torch.sym_float", c -> ifFloat(c, () -> operand(c, "a")))
        .add("torch.sym_sqrt", c -> ifFloat(c, () -> c.e.of(new Op.Sqrt(operand(c, "a")))))
        .add("_operator.add", c -> binary(c, c.e::add))
        .add("_operator.sub", c -> binary(c, c.e::sub))
        .add("_operator.mul", c -> binary(c, c.e::mul))
        .add("_operator.truediv", c -> binary(c, c.e::div));
  }

  private static Value operand(Call c, String name) {
    return c.operand(name).as(c.e, DType.F64);
  }

  private static void binary(Call c, BinaryOperator<Value> op) {
    ifFloat(c, () -> op.apply(operand(c, "a"), operand(c, "b")));
  }

  private static void ifFloat(Call c, java.util.function.Supplier<Value> value) {
    if (c.givesFloat()) {
      c.setFloat(value.get());
    }
  }
}
