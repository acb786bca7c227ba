package dev.deepstack.reference;

import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.tensor.HostTensor;
import java.util.Arrays;
import java.util.function.DoubleBinaryOperator;
import java.util.function.LongBinaryOperator;

/// Folds over axes.
final class Reductions {
  private Reductions() {}

  static HostTensor sum(HostTensor x, Op.Reduction op) {
    return fold(x, op, 0, Double::sum, x.dtype().isBool() ? (a, b) -> a | b : Long::sum);
  }

  static HostTensor product(HostTensor x, Op.Reduction op) {
    return fold(x, op, 1, (a, b) -> a * b, (a, b) -> a * b);
  }

  /// The largest or the smallest; for bool any or all.
  static HostTensor extreme(HostTensor x, Op.Reduction op, boolean largest) {
    long[] shape = x.shape();
    boolean empty = op.axes().stream().anyMatch(a -> shape[a] == 0);
    if (x.dtype().isBool()) {
      return fold(x, op, largest ? 0 : 1, Double::sum, largest ? Math::max : Math::min);
    }
    if (empty && HostTensor.count(reduced(shape, op)) > 0) {
      throw new IrException(OpSchema.name(op) + " of an empty axis: " + x);
    }
    if (x.dtype().isFloat()) {
      double start = largest ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
      return fold(x, op, start, largest ? Math::max : Math::min, Long::sum);
    }
    return fold(x, op, largest ? Long.MIN_VALUE : Long.MAX_VALUE, largest ? Math::max : Math::min);
  }

  private static HostTensor fold(
      HostTensor x, Op.Reduction op, double start, DoubleBinaryOperator floats, LongBinaryOperator integers) {
    if (!x.dtype().isFloat()) {
      return fold(x, op, (long) start, integers);
    }
    long[] strides = reducedStrides(x.shape(), op);
    var sums = new double[Math.toIntExact(HostTensor.count(reduced(x.shape(), op)))];
    Arrays.fill(sums, start);
    Walk.each(x.shape(), (i, index) -> {
      int at = (int) Walk.flat(index, strides);
      sums[at] = floats.applyAsDouble(sums[at], x.getDouble(i));
    });
    HostTensor result = HostTensor.zeros(x.dtype(), resultShape(x.shape(), op));
    for (int i = 0; i < sums.length; i++) {
      result.setDouble(i, sums[i]);
    }
    return result;
  }

  private static HostTensor fold(HostTensor x, Op.Reduction op, long start, LongBinaryOperator integers) {
    long[] strides = reducedStrides(x.shape(), op);
    var sums = new long[Math.toIntExact(HostTensor.count(reduced(x.shape(), op)))];
    Arrays.fill(sums, start);
    Walk.each(x.shape(), (i, index) -> {
      int at = (int) Walk.flat(index, strides);
      sums[at] = integers.applyAsLong(sums[at], x.getLong(i));
    });
    HostTensor result = HostTensor.zeros(x.dtype(), resultShape(x.shape(), op));
    for (int i = 0; i < sums.length; i++) {
      Integers.set(result, i, sums[i]);
    }
    return result;
  }

  /// The shape with extent 1 on the reduced axes.
  private static long[] reduced(long[] shape, Op.Reduction op) {
    long[] result = shape.clone();
    op.axes().forEach(a -> result[a] = 1);
    return result;
  }

  /// Strides that send every element to its sum.
  private static long[] reducedStrides(long[] shape, Op.Reduction op) {
    long[] strides = Walk.strides(reduced(shape, op));
    op.axes().forEach(a -> strides[a] = 0);
    return strides;
  }

  private static long[] resultShape(long[] shape, Op.Reduction op) {
    long[] reduced = reduced(shape, op);
    if (op.keep()) {
      return reduced;
    }
    return java.util.stream.IntStream.range(0, shape.length)
        .filter(a -> !op.axes().contains(a))
        .mapToLong(a -> reduced[a])
        .toArray();
  }

  /// Running sums, each rounded from the whole sum in double.
  static HostTensor cumSum(HostTensor x, int axis) {
    long[] shape = x.shape();
    int a = axis < 0 ? axis + shape.length : axis;
    HostTensor result = HostTensor.zeros(x.dtype(), shape);
    long inner = Walk.product(shape, a + 1, shape.length);
    long outer = Walk.product(shape, 0, a);
    for (long line = 0; line < outer * inner; line++) {
      long first = line / inner * shape[a] * inner + line % inner;
      double sum = 0;
      long integerSum = 0;
      for (long j = 0; j < shape[a]; j++) {
        long at = first + j * inner;
        if (x.dtype().isFloat()) {
          sum += x.getDouble(at);
          result.setDouble(at, sum);
        } else {
          integerSum += x.getLong(at);
          Integers.set(result, at, integerSum);
        }
      }
    }
    return result;
  }
}
