package dev.deepstack.importer.aten;

import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;

/// Operators that move, copy or check tensors: aliases and copies here, nothing in the graph beside casts.
final class NoOps {
  private static final Lowering NOTHING = _ -> {};

  private NoOps() {}

  static void add(Operators.Builder table) {
    table.aten("detach detach_ alias lift resolve_conj resolve_neg positive requires_grad_",
        c -> c.alias("self"))
        .aten("clone lift_fresh_copy _to_copy detach_copy alias_copy view_copy", NoOps::copy)
        .aten("lift_fresh", c -> c.alias("self"))
        .aten("to type_as _to", NoOps::convert)
        .aten("dropout feature_dropout alpha_dropout", NoOps::dropout)
        .aten("native_dropout", NoOps::nativeDropout)
        .aten("view.dtype", _ -> {
          throw new Refusal("bits read as another type");
        })
        .aten("copy", c -> c.set(c.tensor("src")))
        .aten("fill", c -> c.set(c.e.expand(Arithmetic.typed(c, "value"), c.tensor("self").type().shape())))
        .aten("zero", c -> c.set(zero(c)))
        .aten("_assert_tensor_metadata", NOTHING);
    for (String type : new String[] {"float", "half", "bfloat16", "double", "int", "long", "bool"}) {
      table.aten("_cast_" + type, NoOps::copy);
    }
  }

  private static Value zero(Call c) {
    Value self = c.tensor("self");
    return c.e.full(0, self.type().dtype(), self.type().shape());
  }

  private static void copy(Call c) {
    c.set(c.tensor("self"));
  }

  private static void convert(Call c) {
    DType from = c.tensor("self").type().dtype();
    if (from == c.dtype() && !c.flag("copy", false)) {
      c.alias("self");
    } else {
      copy(c);
    }
  }

  private static void dropout(Call c) {
    if (c.flag("train", false) && c.number("p", 0.5) != 0) {
      throw new Refusal("dropout that is switched on; call eval() before exporting");
    }
    c.alias("input");
  }

  private static void nativeDropout(Call c) {
    if (c.flag("train", false) && c.number("p", 0.5) != 0) {
      throw new Refusal("dropout that is switched on; call eval() before exporting");
    }
    c.set(0, c.tensor("input"));
    if (c.isRead(1)) {
      c.set(1, c.e.full(1, DType.BOOL, c.shape()));
    }
  }
}
