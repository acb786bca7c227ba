package dev.deepstack.reference;

import dev.deepstack.ir.Op;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;

/// Ops that read or write where a tensor of indices says.
final class Indexing {
  private Indexing() {}

  static HostTensor gather(HostTensor x, HostTensor indices, int axis, long[] shape) {
    HostTensor result = HostTensor.zeros(x.dtype(), shape);
    eachSlice(x, indices, axis, (at, flat) -> Walk.copy(x, at, result, flat));
    return result;
  }

  static HostTensor scatter(HostTensor x, HostTensor indices, HostTensor source, int axis, Op.Combine combine) {
    var target = new Target(x, combine);
    eachSlice(x, indices, axis, (at, flat) -> target.put(at, source, flat));
    return target.result();
  }

  /// Sees the flat place in `x` and in the gathered tensor of every gathered element.
  private interface Pair {
    void visit(long at, long flat);
  }

  private static void eachSlice(HostTensor x, HostTensor indices, int axis, Pair pair) {
    long[] shape = x.shape();
    long outer = Walk.product(shape, 0, axis);
    long inner = Walk.product(shape, axis + 1, shape.length);
    long count = indices.elements();
    for (long o = 0; o < outer; o++) {
      for (long j = 0; j < count; j++) {
        long chosen = checked(indices, j, shape[axis]);
        for (long i = 0; i < inner; i++) {
          pair.visit((o * shape[axis] + chosen) * inner + i, (o * count + j) * inner + i);
        }
      }
    }
  }

  static HostTensor takeAlong(HostTensor x, HostTensor indices, int axis) {
    HostTensor result = HostTensor.zeros(x.dtype(), indices.shape());
    eachAlong(x, indices, axis, (at, flat) -> Walk.copy(x, at, result, flat));
    return result;
  }

  static HostTensor scatterAlong(
      HostTensor x, HostTensor indices, HostTensor source, int axis, Op.Combine combine) {
    var target = new Target(x, combine);
    eachAlong(x, indices, axis, (at, flat) -> target.put(at, source, flat));
    return target.result();
  }

  private static void eachAlong(HostTensor x, HostTensor indices, int axis, Pair pair) {
    long[] shape = x.shape();
    int a = axis < 0 ? axis + shape.length : axis;
    long[] strides = Walk.strides(shape);
    Walk.each(indices.shape(), (flat, index) -> {
      long chosen = checked(indices, flat, shape[a]);
      pair.visit(Walk.flat(index, strides) + (chosen - index[a]) * strides[a], flat);
    });
  }

  private static long checked(HostTensor indices, long at, long extent) {
    long index = indices.getLong(at);
    if (index < 0 || index >= extent) {
      throw new InvalidInputException("index " + index + " is outside the axis, whose extent is " + extent);
    }
    return index;
  }

  /// A copy that is written to; sums stay in double (or long) until all are added.
  private static final class Target {
    private final HostTensor result;
    private final Op.Combine combine;
    private final double[] sums;
    private final boolean[] added;

    Target(HostTensor x, Op.Combine combine) {
      this.result = Walk.copy(x);
      this.combine = combine;
      boolean sum = combine == Op.Combine.ADD && x.dtype().isFloat();
      this.sums = new double[sum ? Math.toIntExact(x.elements()) : 0];
      this.added = new boolean[sums.length];
    }

    void put(long at, HostTensor source, long flat) {
      if (combine == Op.Combine.SET) {
        Walk.copy(source, flat, result, at);
      } else if (combine == Op.Combine.ADD && result.dtype().isFloat()) {
        sums[(int) at] += source.getDouble(flat);
        added[(int) at] = true;
      } else if (result.dtype().isFloat()) {
        result.setDouble(at, combined(result.getDouble(at), source.getDouble(flat)));
      } else {
        Integers.set(result, at, combined(result.getLong(at), source.getLong(flat)));
      }
    }

    private double combined(double old, double value) {
      return switch (combine) {
        case SET -> value;
        case ADD -> old + value;
        case MUL -> old * value;
        case MAX -> Math.max(old, value);
        case MIN -> Math.min(old, value);
      };
    }

    private long combined(long old, long value) {
      boolean unsigned = result.dtype().isUnsigned();
      boolean less = unsigned ? Long.compareUnsigned(old, value) < 0 : old < value;
      return switch (combine) {
        case SET -> value;
        case ADD -> old + value;
        case MUL -> old * value;
        case MAX -> less ? value : old;
        case MIN -> less ? old : value;
      };
    }

    HostTensor result() {
      for (int i = 0; i < sums.length; i++) {
        if (added[i]) {
          result.setDouble(i, result.getDouble(i) + sums[i]);
        }
      }
      return result;
    }
  }
}
