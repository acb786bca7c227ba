package dev.deepstack.reference;

import dev.deepstack.ir.IrException;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.util.List;

/// Ops that put elements elsewhere without changing them.
final class Movement {
  private Movement() {}

  static HostTensor iota(long extent) {
    var values = new long[Math.toIntExact(extent)];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    return HostTensor.of(values, extent);
  }

  static HostTensor permute(HostTensor x, List<Integer> axes, long[] shape) {
    long[] from = Walk.strides(x.shape());
    var strides = new long[shape.length];
    for (int i = 0; i < shape.length; i++) {
      strides[i] = from[axes.get(i)];
    }
    return read(x, 0, strides, shape);
  }

  static HostTensor expand(HostTensor x, long[] shape) {
    return read(x, 0, Walk.broadcast(x.shape(), shape), shape);
  }

  static HostTensor slice(HostTensor x, int axis, long start, long step, long[] shape) {
    int a = axis < 0 ? axis + shape.length : axis;
    long extent = x.shape()[a];
    long last = start + (shape[a] - 1) * step;
    if (shape[a] > 0 && (start < 0 || start >= extent || last < 0 || last >= extent)) {
      throw new IrException("slice of axis " + a + " from " + start + " to " + last + " leaves extent " + extent);
    }
    long[] strides = Walk.strides(x.shape());
    long offset = start * strides[a];
    strides[a] *= step;
    return read(x, offset, strides, shape);
  }

  static HostTensor windows(HostTensor x, int axis, long step, long dilation, long[] shape) {
    long last = (shape[axis] - 1) * step + (shape[axis + 1] - 1) * dilation;
    if (shape[axis] > 0 && last >= x.shape()[axis]) {
      throw new IrException("windows over axis " + axis + " reach " + last + " of extent " + x.shape()[axis]);
    }
    long[] from = Walk.strides(x.shape());
    var strides = new long[shape.length];
    for (int i = 0; i < from.length; i++) {
      strides[i <= axis ? i : i + 1] = from[i];
    }
    strides[axis] = from[axis] * step;
    strides[axis + 1] = from[axis] * dilation;
    return read(x, 0, strides, shape);
  }

  private static HostTensor read(HostTensor x, long offset, long[] strides, long[] shape) {
    HostTensor result = HostTensor.zeros(x.dtype(), shape);
    Walk.each(shape, (i, index) -> Walk.copy(x, offset + Walk.flat(index, strides), result, i));
    return result;
  }

  static HostTensor concat(List<HostTensor> parts, int axis, long[] shape) {
    int a = axis < 0 ? axis + shape.length : axis;
    HostTensor result = HostTensor.zeros(parts.getFirst().dtype(), shape);
    long[] strides = Walk.strides(shape);
    long before = 0;
    for (HostTensor part : parts) {
      long offset = before * strides[a];
      Walk.each(part.shape(), (i, index) -> Walk.copy(part, i, result, offset + Walk.flat(index, strides)));
      before += part.shape()[a];
    }
    return result;
  }

  /// Tensors of one type along a new first axis.
  static HostTensor stack(List<HostTensor> parts, DType dtype, long[] shape) {
    var all = new long[shape.length + 1];
    all[0] = parts.size();
    System.arraycopy(shape, 0, all, 1, shape.length);
    HostTensor result = HostTensor.zeros(dtype, all);
    long bytes = HostTensor.count(shape) * dtype.bytes();
    for (int i = 0; i < parts.size(); i++) {
      result.data().asSlice(i * bytes, bytes).copyFrom(parts.get(i).data());
    }
    return result;
  }

  /// Negative paddings cut.
  static HostTensor pad(HostTensor x, long[] low, double value, long[] shape) {
    HostTensor result = HostTensor.zeros(x.dtype(), shape);
    long[] extents = x.shape();
    long[] strides = Walk.strides(extents);
    Walk.each(shape, (i, index) -> {
      boolean inside = true;
      long at = 0;
      for (int axis = 0; axis < index.length; axis++) {
        long source = index[axis] - low[axis];
        inside &= source >= 0 && source < extents[axis];
        at += source * strides[axis];
      }
      if (inside) {
        Walk.copy(x, at, result, i);
      } else {
        result.setDouble(i, value);
      }
    });
    return result;
  }
}
