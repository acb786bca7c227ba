package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;

/// Kernels about the order of elements, and running sums. Rows are shared out among the threads.
///
/// Elements are compared by integer keys that order as the elements do, NaN above everything, so that one comparison
/// serves every dtype.
final class OrderCode {
  private static final String LOWEST = "i64 " + Long.MIN_VALUE;
  private static final String HIGHEST = "i64 " + Long.MAX_VALUE;

  private final KernelCode code;
  private final Fn f;

  OrderCode(KernelCode code) {
    this.code = code;
    f = code.f;
  }

  /// Runs `body` for each row along `axis`, with the index of its first element.
  private void rows(Operand x, int axis, Consumer<List<Dim>> body) {
    var index = new ArrayList<Dim>();
    var counters = new ArrayList<Dim>();
    Dim total = Dim.ONE;
    for (int i = 0; i < x.shape().rank(); i++) {
      if (i == axis || x.shape().dim(i).is(1)) {
        index.add(Dim.ZERO);
        continue;
      }
      Dim counter = code.indexing.counter(x.shape().dim(i));
      index.add(counter);
      counters.add(counter);
      total = total.times(x.shape().dim(i));
    }
    String[] share = code.share(code.index(total));
    f.loop(share[0], share[1], 1, row -> {
      code.unflatten(row, counters);
      body.accept(index);
    });
  }

  private static List<Dim> with(List<Dim> index, int axis, Dim at) {
    var copy = new ArrayList<>(index);
    copy.set(axis, at);
    return copy;
  }

  private String key(Operand x, List<Dim> index, boolean descending) {
    String value = Registers.load(f, x.dtype(), code.address(x, x.at(index)), 1);
    String key = switch (x.dtype()) {
      case F64 -> sortable(f.fadd(value, Fn.f64(0)), "i64", Long.MAX_VALUE);
      case F32, F16, BF16, F8E4M3, F8E5M2 -> sortable(f.fadd(value, Fn.f32(0)), "i32", Integer.MAX_VALUE);
      case BOOL, U8, U16, U32 -> f.cast("zext", value, "i64");
      case U64 -> f.binary("xor", value, Long.toString(Long.MIN_VALUE));
      case I8, I16, I32, I64 -> f.cast("sext", value, "i64");
    };
    return descending ? f.binary("xor", key, "-1") : key;
  }

  /// Bits of a float as an integer of the same order; adding zero before has made -0 into +0.
  private String sortable(String value, String type, long nan) {
    String bits = f.cast("bitcast", value, type);
    String sign = f.binary("ashr", bits, Integer.toString(type.equals("i64") ? 63 : 31));
    String flipped = f.binary("xor", bits, f.binary("and", sign, Long.toString(nan)));
    String ordered = f.select(f.fcmp("uno", value, value), type + " " + nan, flipped);
    return type.equals("i64") ? ordered : f.cast("sext", ordered, "i64");
  }

  private void storeIndex(Operand out, List<Dim> index, String value) {
    Registers.store(f, DType.I64, value, code.address(out, out.at(index)));
  }

  /// Repeated search for the best element that comes after the last one found.
  void topK(Kernel.TopK kernel) {
    int axis = kernel.x().shape().rank() - 1;
    String n = code.index(kernel.x().shape().dim(axis));
    rows(kernel.x(), axis, index -> f.loop("0", Long.toString(kernel.k()), 1, List.of(HIGHEST, "i64 -1"), (j, last) -> {
      var best = f.loop("0", n, 1, List.of(LOWEST, "i64 -1"), (i, found) -> {
        Dim at = code.named(i);
        String key = key(kernel.x(), with(index, axis, at), !kernel.largest());
        String later = f.binary("or", f.icmp("slt", key, last.get(0)),
            f.binary("and", f.icmp("eq", key, last.get(0)), f.icmp("sgt", i, last.get(1))));
        String better = f.binary("or", f.icmp("sgt", key, found.get(0)), f.icmp("slt", found.get(1), "0"));
        String take = f.binary("and", later, better);
        return List.of(f.select(take, key, found.get(0)), f.select(take, i, found.get(1)));
      });
      storeIndex(kernel.out(), with(index, axis, code.named(j)), best.get(1));
      return best;
    }));
  }

  /// Each element's place is the number of elements that go before it.
  void argSort(Kernel.ArgSort kernel) {
    int axis = kernel.x().shape().rank() - 1;
    String n = code.index(kernel.x().shape().dim(axis));
    rows(kernel.x(), axis, index -> f.loop("0", n, 1, i -> {
      String key = key(kernel.x(), with(index, axis, code.named(i)), kernel.descending());
      String place = f.loop("0", n, 1, List.of("i64 0"), (j, count) -> {
        String other = key(kernel.x(), with(index, axis, code.named(j)), kernel.descending());
        String before = f.binary("or", f.icmp("slt", other, key),
            f.binary("and", f.icmp("eq", other, key), f.icmp("slt", j, i)));
        return List.of(f.add(count.getFirst(), f.cast("zext", before, "i64")));
      }).getFirst();
      storeIndex(kernel.out(), with(index, axis, code.named(place)), i);
    }));
  }

  void argMax(Kernel.ArgMax kernel) {
    int axis = kernel.axis();
    String n = code.index(kernel.x().shape().dim(axis));
    rows(kernel.x(), axis, index -> {
      var best = f.loop("0", n, 1, List.of(LOWEST, "i64 0"), (i, found) -> {
        String key = key(kernel.x(), with(index, axis, code.named(i)), false);
        String better = f.icmp("sgt", key, found.get(0));
        return List.of(f.select(better, key, found.get(0)), f.select(better, i, found.get(1)));
      });
      var at = new ArrayList<>(index);
      at.remove(axis);
      storeIndex(kernel.out(), at, best.get(1));
    });
  }

  void cumSum(Kernel.CumSum kernel) {
    int axis = kernel.axis();
    DType dtype = kernel.x().dtype();
    String n = code.index(kernel.x().shape().dim(axis));
    rows(kernel.x(), axis, index -> f.loop("0", n, 1, List.of(Registers.literal(dtype, 0)), (i, sum) -> {
      var at = with(index, axis, code.named(i));
      String x = Registers.load(f, dtype, code.address(kernel.x(), kernel.x().at(at)), 1);
      String next = dtype.isFloat() ? f.fadd(sum.getFirst(), x) : f.add(sum.getFirst(), x);
      Registers.store(f, dtype, next, code.address(kernel.out(), kernel.out().at(at)));
      return List.of(next);
    }));
  }
}
