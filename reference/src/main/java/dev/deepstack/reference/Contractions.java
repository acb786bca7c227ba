package dev.deepstack.reference;

import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.util.Arrays;

/// Matrix products.
final class Contractions {
  private Contractions() {}

  static HostTensor matMul(HostTensor a, HostTensor b, long[] shape) {
    HostTensor result = HostTensor.zeros(a.dtype(), shape);
    int rank = shape.length;
    long[] batch = Arrays.copyOf(shape, rank - 2);
    long m = shape[rank - 2];
    long n = shape[rank - 1];
    long k = a.shape()[a.shape().length - 1];
    long[] batchA = Walk.broadcast(Arrays.copyOf(a.shape(), a.shape().length - 2), batch);
    long[] batchB = Walk.broadcast(Arrays.copyOf(b.shape(), b.shape().length - 2), batch);
    Walk.each(batch, (i, index) -> {
      long firstA = Walk.flat(index, batchA) * m * k;
      long firstB = Walk.flat(index, batchB) * k * n;
      for (long row = 0; row < m; row++) {
        for (long column = 0; column < n; column++) {
          dot(a, firstA + row * k, b, firstB + column, n, k, result, (i * m + row) * n + column);
        }
      }
    });
    return result;
  }

  /// `result[at]` is the sum of `k` products of a row of `a` and a column of `b`.
  private static void dot(HostTensor a, long row, HostTensor b, long column, long stride, long k,
      HostTensor result, long at) {
    double sum = 0;
    long integerSum = 0;
    for (long i = 0; i < k; i++) {
      if (result.dtype().isFloat()) {
        sum += a.getDouble(row + i) * b.getDouble(column + i * stride);
      } else {
        integerSum += a.getLong(row + i) * b.getLong(column + i * stride);
      }
    }
    if (result.dtype().isFloat()) {
      result.setDouble(at, sum);
    } else {
      Integers.set(result, at, integerSum);
    }
  }

  static HostTensor groupedMatMul(HostTensor x, HostTensor w, HostTensor offsets, long[] shape) {
    HostTensor result = HostTensor.zeros(x.dtype(), shape);
    long k = x.shape()[1];
    long n = shape[1];
    long row = 0;
    for (long group = 0; group < offsets.elements(); group++) {
      long end = offsets.getLong(group);
      if (end < row || end > shape[0]) {
        throw new InvalidInputException("offset " + end + " of group " + group + " is not between " + row
            + " and " + shape[0]);
      }
      for (; row < end; row++) {
        for (long column = 0; column < n; column++) {
          dot(x, row * k, w, group * k * n + column, n, k, result, row * n + column);
        }
      }
    }
    return result;
  }
}
