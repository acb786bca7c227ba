package dev.deepstack.importer.gguf;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.FloatFormat;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.function.LongUnaryOperator;

/// The rows of a tensor as f32, all axes but the last taken as one. Several threads may read at once.
@FunctionalInterface
public interface GgufRows {
  /// Row `row` into `out` from `at` on.
  void read(long row, float[] out, int at);

  /// Rows of a tensor of floats.
  static GgufRows of(StridedTensor tensor) {
    long[] shape = tensor.shape();
    long[] strides = tensor.strides();
    int last = shape.length - 1;
    return (row, out, at) -> {
      long offset = tensor.offset();
      long rest = row;
      for (int axis = last - 1; axis >= 0; axis--) {
        offset += rest % shape[axis] * strides[axis];
        rest /= shape[axis];
      }
      int count = last < 0 ? 1 : (int) shape[last];
      read(tensor.storage(), tensor.dtype(), offset, last < 0 ? 1 : strides[last], count, out, at);
    };
  }

  private static void read(
      MemorySegment data, DType dtype, long offset, long stride, int count, float[] out, int at) {
    if (dtype == DType.BF16 && stride == 1) {
      for (int i = 0; i < count; i++) {
        out[at + i] = FloatFormat.fromBf16(data.get(JAVA_SHORT_UNALIGNED, (offset + i) * 2));
      }
    } else if (dtype == DType.F16 && stride == 1) {
      for (int i = 0; i < count; i++) {
        out[at + i] = Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, (offset + i) * 2));
      }
    } else if (dtype == DType.F32 && stride == 1) {
      MemorySegment.copy(data, JAVA_FLOAT_UNALIGNED, offset * 4, out, at, count);
    } else {
      for (int i = 0; i < count; i++) {
        out[at + i] = (float) HostTensor.get(data, dtype, offset + i * stride);
      }
    }
  }

  /// Rows of blocks, u8 `[…, rowBytes]` with rows one behind the other.
  static GgufRows of(StridedTensor blocks, BlockFormat format) {
    if (!blocks.isContiguous()) {
      throw new IllegalArgumentException("rows of blocks with gaps");
    }
    long rowBytes = blocks.shape()[blocks.shape().length - 1];
    return (row, out, at) -> {
      long offset = blocks.offset() + row * rowBytes;
      for (int i = 0; i < rowBytes / format.bytes(); i++) {
        format.dequantize(blocks.storage(), offset + (long) i * format.bytes(), out, at + i * format.weights());
      }
    };
  }

  /// Rows of floats with a scale for each tile of `rows` x `columns`.
  static GgufRows of(StridedTensor codes, StridedTensor scales, int rows, int columns) {
    GgufRows plain = of(codes);
    GgufRows factors = of(scales);
    int width = (int) codes.shape()[1];
    int across = (int) scales.shape()[1];
    return (row, out, at) -> {
      plain.read(row, out, at);
      var factor = new float[across];
      factors.read(row / rows, factor, 0);
      for (int i = 0; i < width; i++) {
        out[at + i] *= factor[i / columns];
      }
    };
  }

  /// The same rows in another order.
  default GgufRows reordered(LongUnaryOperator from) {
    return (row, out, at) -> read(from.applyAsLong(row), out, at);
  }

  /// The rows of several tensors of `each` rows, one behind the other.
  static GgufRows stacked(List<GgufRows> parts, long each) {
    return (row, out, at) -> parts.get((int) (row / each)).read(row % each, out, at);
  }
}
