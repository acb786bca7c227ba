package dev.deepstack.reference;

import dev.deepstack.ir.IrException;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.LongStream;

/// Ops that compare elements of one axis with each other. NaN is larger than everything and equal to itself.
final class Order {
  private Order() {}

  static int compare(HostTensor x, long at, long other) {
    if (!x.dtype().isFloat()) {
      return Long.compare(x.getLong(at), x.getLong(other));
    }
    double a = x.getDouble(at);
    double b = x.getDouble(other);
    // Double.compare would put -0 before 0.
    return a == b ? 0 : Double.compare(a, b);
  }

  static HostTensor argMax(HostTensor x, int axis) {
    long[] shape = x.shape();
    int a = axis < 0 ? axis + shape.length : axis;
    long inner = Walk.product(shape, a + 1, shape.length);
    long outer = Walk.product(shape, 0, a);
    long[] without = LongStream.concat(
        Arrays.stream(shape, 0, a), Arrays.stream(shape, a + 1, shape.length)).toArray();
    HostTensor result = HostTensor.zeros(DType.I64, without);
    if (shape[a] == 0 && outer * inner > 0) {
      throw new IrException("arg_max of an empty axis: " + x);
    }
    for (long line = 0; line < outer * inner; line++) {
      long first = line / inner * shape[a] * inner + line % inner;
      long best = 0;
      for (long j = 1; j < shape[a]; j++) {
        if (compare(x, first + j * inner, first + best * inner) > 0) {
          best = j;
        }
      }
      result.setLong(line, best);
    }
    return result;
  }

  static HostTensor argSort(HostTensor x, boolean descending) {
    long[] shape = x.shape();
    return topK(x, shape[shape.length - 1], descending);
  }

  /// A stable sort, so ties stay in the order of their index, whichever way it goes.
  static HostTensor topK(HostTensor x, long k, boolean largest) {
    long[] shape = x.shape();
    int last = shape.length - 1;
    long extent = shape[last];
    if (k > extent) {
      throw new IrException("the first " + k + " of an axis of " + extent);
    }
    long lines = Walk.product(shape, 0, last);
    shape[last] = k;
    HostTensor result = HostTensor.zeros(DType.I64, shape);
    for (long line = 0; line < lines; line++) {
      long first = line * extent;
      Comparator<Long> ascending = (i, j) -> compare(x, first + i, first + j);
      long[] order = LongStream.range(0, extent).boxed()
          .sorted(largest ? ascending.reversed() : ascending)
          .mapToLong(Long::longValue)
          .toArray();
      for (int i = 0; i < k; i++) {
        result.setLong(line * k + i, order[i]);
      }
    }
    return result;
  }
}
