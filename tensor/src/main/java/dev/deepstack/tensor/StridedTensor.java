package dev.deepstack.tensor;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// A view into a storage, as checkpoints hold them: several tensors may share one storage, strides may be zero.
///
/// @param strides in elements, outermost first, never negative
/// @param offset of the first element, in elements
/// @param storage the whole storage; the same segment for tensors that alias
public record StridedTensor(DType dtype, long[] shape, long[] strides, long offset, MemorySegment storage) {
  /// @throws MalformedModelException when an element lies outside the storage
  public StridedTensor {
    if (shape.length != strides.length || offset < 0) {
      throw new MalformedModelException("tensor view with " + shape.length + " extents, " + strides.length
          + " strides and offset " + offset + " makes no sense; export the model again");
    }
    long last = offset;
    boolean empty = false;
    try {
      for (int i = 0; i < shape.length; i++) {
        if (shape[i] < 0 || strides[i] < 0) {
          throw new MalformedModelException("negative extent or stride in a tensor view; export the model again");
        }
        empty |= shape[i] == 0;
        last = Math.addExact(last, Math.multiplyExact(Math.max(shape[i] - 1, 0), strides[i]));
      }
      if (!empty && Math.multiplyExact(Math.addExact(last, 1), dtype.bytes()) > storage.byteSize()) {
        throw new MalformedModelException("tensor " + dtype.text() + Arrays.toString(shape) + " reaches beyond its "
            + storage.byteSize() + " stored bytes; the file is truncated or damaged, fetch it again");
      }
    } catch (ArithmeticException e) {
      throw new MalformedModelException("tensor view overflows 64 bits; the file is damaged", e);
    }
    shape = shape.clone();
    strides = strides.clone();
  }

  public static StridedTensor of(HostTensor tensor) {
    long[] shape = tensor.shape();
    var strides = new long[shape.length];
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      strides[i] = stride;
      stride *= shape[i];
    }
    return new StridedTensor(tensor.dtype(), shape, strides, 0, tensor.data());
  }

  public long elements() {
    return HostTensor.count(shape);
  }

  public boolean isContiguous() {
    long stride = 1;
    for (int i = shape.length - 1; i >= 0; i--) {
      if (shape[i] != 1 && strides[i] != stride) {
        return false;
      }
      stride *= shape[i];
    }
    return true;
  }

  public TensorType type() {
    return TensorType.of(dtype, shape);
  }

  /// The elements in row-major order: a slice of the storage when already so, else a copy in `arena`.
  public HostTensor contiguous(Arena arena) {
    int width = dtype.bytes();
    if (elements() == 0) {
      return HostTensor.allocate(arena, dtype, shape);
    }
    if (isContiguous()) {
      return new HostTensor(dtype, shape, storage.asSlice(offset * width, elements() * width));
    }
    var copy = HostTensor.allocate(arena, dtype, shape);
    copy(0, offset, new long[] {0}, copy.data());
    return copy;
  }

  private void copy(int axis, long from, long[] to, MemorySegment target) {
    int width = dtype.bytes();
    if (axis == shape.length) {
      MemorySegment.copy(storage, from * width, target, to[0]++ * width, width);
      return;
    }
    if (axis == shape.length - 1 && strides[axis] == 1) {
      MemorySegment.copy(storage, from * width, target, to[0] * width, shape[axis] * width);
      to[0] += shape[axis];
      return;
    }
    for (long i = 0; i < shape[axis]; i++) {
      copy(axis + 1, from + i * strides[axis], to, target);
    }
  }
}
