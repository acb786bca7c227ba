package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.function.Function;

/// Sorting and selection. The ops work on the last axis; other axes are moved there and back.
final class Ordering {
  private Ordering() {}

  static void add(Operators.Builder table) {
    table.aten("topk", Ordering::topK)
        .aten("sort", c -> ordered(c, x -> sorted(c, x)))
        .aten("argsort", c -> onLastAxis(c, c.tensor("self"), x -> sorted(c, x), (_, i) -> c.set(i)))
        .aten("kthvalue", Ordering::kth)
        .aten("median.dim", Ordering::median);
  }

  /// What to do with values and indices of the last axis.
  @FunctionalInterface
  private interface Use {
    void of(Value x, Value indices);
  }

  private static void onLastAxis(Call c, Value self, Function<Value, Value> order, Use use) {
    int rank = self.type().rank();
    if (rank == 0) {
      use.of(self, c.e.constant(0, DType.I64));
      return;
    }
    int axis = c.axis("dim", -1, rank);
    Value x = c.e.transpose(self, axis, rank - 1);
    Value indices = order.apply(x);
    use.of(x, c.e.transpose(indices, axis, rank - 1));
  }

  /// Gives values (result 0) and indices (result 1).
  private static void ordered(Call c, Function<Value, Value> order) {
    Value self = c.tensor("self");
    onLastAxis(c, self, order, (_, indices) -> {
      c.set(0, self.type().rank() == 0 ? self
          : c.e.of(new Op.TakeAlong(self, indices, c.axis("dim", -1, self.type().rank()))));
      if (c.isRead(1)) {
        c.set(1, indices);
      }
    });
  }

  private static Value sorted(Call c, Value x) {
    return c.e.of(new Op.ArgSort(x, c.flag("descending", false)));
  }

  private static void topK(Call c) {
    long k = c.integer("k", 1);
    ordered(c, x -> c.e.of(new Op.TopK(x, k, c.flag("largest", true))));
  }

  private static void kth(Call c) {
    nth(c, Dim.of(c.integer("k", 1) - 1));
  }

  private static void median(Call c) {
    int axis = c.axis("dim", -1, c.tensor("self").type().rank());
    nth(c, c.tensor("self").type().dim(axis).minus(1).floorDiv(2));
  }

  private static void nth(Call c, Dim n) {
    Value self = c.tensor("self");
    int axis = c.axis("dim", -1, self.type().rank());
    onLastAxis(c, self, x -> c.e.of(new Op.ArgSort(x, false)), (_, indices) -> {
      Value one = c.e.slice(indices, axis, n, Dim.ONE, 1);
      c.set(0, c.e.reshape(c.e.of(new Op.TakeAlong(self, one, axis)), c.shape()));
      if (c.isRead(1)) {
        c.set(1, c.e.reshape(one, c.type(1).shape()));
      }
    });
  }
}
