package dev.deepstack.reference;

import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// Row-major walks over tensors, element by element.
final class Walk {
  private Walk() {}

  /// Sees each element once, in row-major order.
  interface Visitor {
    /// @param flat number of elements before this one
    /// @param index coordinates; reused, so copy to keep
    void visit(long flat, long[] index);
  }

  static void each(long[] shape, Visitor visitor) {
    long count = HostTensor.count(shape);
    var index = new long[shape.length];
    for (long flat = 0; flat < count; flat++) {
      visitor.visit(flat, index);
      for (int axis = shape.length - 1; axis >= 0 && ++index[axis] == shape[axis]; axis--) {
        index[axis] = 0;
      }
    }
  }

  /// Row-major strides in elements.
  static long[] strides(long[] shape) {
    var strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    return strides;
  }

  /// Strides that read a tensor of shape `from` as if it had the shape `to`: 0 where it broadcasts.
  static long[] broadcast(long[] from, long[] to) {
    long[] strides = strides(from);
    var result = new long[to.length];
    for (int i = 0; i < from.length; i++) {
      result[to.length - from.length + i] = from[i] == 1 ? 0 : strides[i];
    }
    return result;
  }

  static long flat(long[] index, long[] strides) {
    long flat = 0;
    for (int i = 0; i < index.length; i++) {
      flat += index[i] * strides[i];
    }
    return flat;
  }

  static void copy(HostTensor from, long fromFlat, HostTensor to, long toFlat) {
    int bytes = from.dtype().bytes();
    MemorySegment.copy(from.data(), fromFlat * bytes, to.data(), toFlat * bytes, bytes);
  }

  static HostTensor copy(HostTensor x) {
    HostTensor result = HostTensor.zeros(x.dtype(), x.shape());
    result.data().copyFrom(x.data());
    return result;
  }

  static long product(long[] shape, int from, int to) {
    return HostTensor.count(Arrays.copyOfRange(shape, from, to));
  }
}
