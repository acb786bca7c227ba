package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DType;
import java.util.List;

/// Padding with elements of the tensor itself.
final class Padding {
  private Padding() {}

  /// Which element of an axis stands at a place outside of it.
  private enum Mode { REFLECT, REPLICATE, CIRCULAR }

  static void add(Operators.Builder table) {
    for (int space = 1; space <= 3; space++) {
      table.aten("reflection_pad" + space + "d", c -> pad(c, Mode.REFLECT, "padding"))
          .aten("replication_pad" + space + "d", c -> pad(c, Mode.REPLICATE, "padding"));
    }
    table.aten("_pad_circular", c -> pad(c, Mode.CIRCULAR, "pad"));
  }

  /// `aten.pad` with a mode other than constant.
  static void pad(Call c, String mode) {
    switch (mode) {
      case "reflect" -> pad(c, Mode.REFLECT, "pad");
      case "replicate" -> pad(c, Mode.REPLICATE, "pad");
      case "circular" -> pad(c, Mode.CIRCULAR, "pad");
      default -> throw new Refusal("padding mode " + mode);
    }
  }

  /// As many elements before and after the last axis.
  static Value around(Emit e, Value x, long count, String mode) {
    Dim n = Dim.of(count);
    return along(e, x, x.type().rank() - 1, n, n, mode.equals("reflect") ? Mode.REFLECT : Mode.REPLICATE);
  }

  private static void pad(Call c, Mode mode, String name) {
    Value x = c.tensor("self");
    List<Dim> pairs = c.dims(name);
    for (int i = 0; 2 * i < pairs.size(); i++) {
      int axis = x.type().rank() - 1 - i;
      x = along(c.e, x, axis, pairs.get(2 * i), pairs.get(2 * i + 1), mode);
    }
    c.set(x);
  }

  private static Value along(Emit e, Value x, int axis, Dim low, Dim high, Mode mode) {
    if (low.is(0) && high.is(0)) {
      return x;
    }
    Dim extent = x.type().dim(axis);
    Value at = e.range(low.times(-1), extent.plus(low).plus(high), 1);
    Value last = e.dim(extent.minus(1), DType.I64);
    Value zero = e.constant(0, DType.I64);
    Value index = switch (mode) {
      case REPLICATE -> e.of(new Op.Min(e.of(new Op.Max(at, zero)), last));
      case REFLECT -> e.sub(last, e.of(new Op.Abs(e.sub(last, e.of(new Op.Abs(at))))));
      case CIRCULAR -> e.of(new Op.Rem(at, e.dim(extent, DType.I64)));
    };
    return e.of(new Op.Gather(x, index, axis));
  }
}
