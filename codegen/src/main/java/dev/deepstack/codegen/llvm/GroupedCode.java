package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.List;

/// Grouped matrix product straight from strided memory: the fallback for groups that are not packed weights. A group
/// without rows is not read. Threads share out the columns.
final class GroupedCode {
  private final KernelCode code;
  private final Fn f;
  private final Kernel.GroupedMatMul kernel;

  GroupedCode(KernelCode code, Kernel.GroupedMatMul kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
  }

  void emit() {
    String rows = code.index(kernel.x().shape().dim(0));
    String[] columns = code.share(code.index(kernel.w().shape().dim(2)));
    var end = f.loop("0", code.index(kernel.w().shape().dim(0)), 1, List.of("i64 0"), (e, begin) -> {
      Dim group = code.named(e);
      String offset = Registers.load(f, kernel.offsets().dtype(),
          code.address(kernel.offsets(), kernel.offsets().at(List.of(group))), 1);
      String stop = f.max(f.min(f.cast("sext", offset, "i64"), rows), begin.getFirst());
      f.loop(begin.getFirst(), stop, 1, i -> f.loop(columns[0], columns[1], 1, j -> {
        Dim row = code.named(i);
        Dim column = code.named(j);
        store(row, column, dot(group, row, column));
      }));
      return List.of(stop);
    }).getFirst();
    f.loop(end, rows, 1, i -> f.loop(columns[0], columns[1], 1, j ->
        store(code.named(i), code.named(j), Registers.literal(kernel.out().dtype(), 0))));
  }

  private void store(Dim row, Dim column, String value) {
    DType dtype = kernel.out().dtype();
    Registers.store(f, dtype, Registers.round(f, dtype, value),
        code.address(kernel.out(), kernel.out().at(List.of(row, column))));
  }

  private String dot(Dim group, Dim row, Dim column) {
    Dim extent = kernel.x().shape().dim(1);
    boolean even = kernel.x().strides().get(1).is(1) && kernel.w().strides().get(1).is(1);
    String n = code.index(extent);
    String zero = Registers.literal(kernel.x().dtype(), 0);
    String whole = even ? f.binary("and", n, Integer.toString(-code.lanes)) : "0";
    String sum = zero;
    if (even) {
      var sums = f.loop("0", whole, code.lanes, List.of(Arithmetic.spread(f, zero, code.lanes)),
          (k, acc) -> List.of(product(group, row, column, k, code.lanes, acc.getFirst())));
      sum = Vec.reduceAdd(f, sums.getFirst());
    }
    return f.loop(whole, n, 1, List.of(sum),
        (k, acc) -> List.of(product(group, row, column, k, 1, acc.getFirst()))).getFirst();
  }

  private String product(Dim group, Dim row, Dim column, String k, int lanes, String sum) {
    Dim at = code.named(k);
    var x = kernel.x();
    var w = kernel.w();
    String a = Registers.load(f, x.dtype(), code.address(x, x.at(List.of(row, at))), lanes);
    String b = Registers.load(f, w.dtype(), code.address(w, w.at(List.of(group, at, column))), lanes);
    return f.fma(a, b, sum);
  }
}
