package dev.deepstack.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/// A contiguous, row-major, little-endian tensor in host memory.
///
/// The memory belongs to the arena it came from; a tensor made by the `of` methods lives on the Java heap.
public final class HostTensor {
  private final DType dtype;
  private final long[] shape;
  private final MemorySegment data;

  /// Wraps existing bytes.
  ///
  /// @throws IllegalArgumentException when `data` is not exactly as long as dtype and shape say
  public HostTensor(DType dtype, long[] shape, MemorySegment data) {
    long expected = Math.multiplyExact(count(shape), dtype.bytes());
    if (data.byteSize() != expected) {
      throw new IllegalArgumentException(
          dtype.text() + Arrays.toString(shape) + " needs " + expected + " bytes, not " + data.byteSize());
    }
    this.dtype = dtype;
    this.shape = shape.clone();
    this.data = data;
  }

  /// Zeros, aligned to 64 bytes.
  public static HostTensor allocate(Arena arena, DType dtype, long... shape) {
    long bytes = Math.multiplyExact(count(shape), dtype.bytes());
    return new HostTensor(dtype, shape, arena.allocate(bytes, 64));
  }

  /// Zeros on the Java heap.
  public static HostTensor zeros(DType dtype, long... shape) {
    // A long array, so that every element type finds its alignment.
    long bytes = Math.multiplyExact(count(shape), dtype.bytes());
    var words = new long[Math.toIntExact((bytes + 7) / 8)];
    return new HostTensor(dtype, shape, MemorySegment.ofArray(words).asSlice(0, bytes));
  }

  /// An f32 tensor on the Java heap.
  public static HostTensor of(float[] values, long... shape) {
    return new HostTensor(DType.F32, shape, MemorySegment.ofArray(values.clone()));
  }

  /// An i64 tensor on the Java heap.
  public static HostTensor of(long[] values, long... shape) {
    return new HostTensor(DType.I64, shape, MemorySegment.ofArray(values.clone()));
  }

  /// Product of the extents.
  ///
  /// @throws ArithmeticException on overflow
  public static long count(long[] shape) {
    long product = 1;
    for (long extent : shape) {
      if (extent < 0) {
        throw new IllegalArgumentException("negative extent in " + Arrays.toString(shape));
      }
      product = Math.multiplyExact(product, extent);
    }
    return product;
  }

  public DType dtype() {
    return dtype;
  }

  public long[] shape() {
    return shape.clone();
  }

  public long elements() {
    return data.byteSize() / dtype.bytes();
  }

  public MemorySegment data() {
    return data;
  }

  /// Element at a row-major index, converted to double.
  public double getDouble(long index) {
    return get(data, dtype, index);
  }

  /// Element at a row-major index, converted to long (floats toward zero).
  public long getLong(long index) {
    return switch (dtype) {
      case I64, U64 -> data.get(JAVA_LONG_UNALIGNED, index * 8);
      default -> (long) getDouble(index);
    };
  }

  public void setDouble(long index, double value) {
    set(data, dtype, index, value);
  }

  public void setLong(long index, long value) {
    switch (dtype) {
      case I64, U64 -> data.set(JAVA_LONG_UNALIGNED, index * 8, value);
      default -> setDouble(index, (double) value);
    }
  }

  /// Element `index` of a segment of `dtype`, converted to double.
  public static double get(MemorySegment data, DType dtype, long index) {
    return switch (dtype) {
      case BOOL -> data.get(JAVA_BYTE, index) != 0 ? 1 : 0;
      case U8 -> data.get(JAVA_BYTE, index) & 0xff;
      case I8 -> data.get(JAVA_BYTE, index);
      case I16 -> data.get(JAVA_SHORT_UNALIGNED, index * 2);
      case U16 -> data.get(JAVA_SHORT_UNALIGNED, index * 2) & 0xffff;
      case I32 -> data.get(JAVA_INT_UNALIGNED, index * 4);
      case U32 -> data.get(JAVA_INT_UNALIGNED, index * 4) & 0xffffffffL;
      case I64, U64 -> (double) data.get(JAVA_LONG_UNALIGNED, index * 8);
      case F8E4M3 -> FloatFormat.fromF8E4M3(data.get(JAVA_BYTE, index));
      case F8E5M2 -> FloatFormat.fromF8E5M2(data.get(JAVA_BYTE, index));
      case F16 -> Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, index * 2));
      case BF16 -> FloatFormat.fromBf16(data.get(JAVA_SHORT_UNALIGNED, index * 2));
      case F32 -> data.get(JAVA_FLOAT_UNALIGNED, index * 4);
      case F64 -> data.get(JAVA_DOUBLE_UNALIGNED, index * 8);
    };
  }

  /// Sets element `index`, rounding to nearest even for floats and wrapping for integers.
  public static void set(MemorySegment data, DType dtype, long index, double value) {
    switch (dtype) {
      case BOOL -> data.set(JAVA_BYTE, index, (byte) (value != 0 ? 1 : 0));
      case U8, I8 -> data.set(JAVA_BYTE, index, (byte) (long) value);
      case I16, U16 -> data.set(JAVA_SHORT_UNALIGNED, index * 2, (short) (long) value);
      case I32, U32 -> data.set(JAVA_INT_UNALIGNED, index * 4, (int) (long) value);
      case I64, U64 -> data.set(JAVA_LONG_UNALIGNED, index * 8, (long) value);
      case F8E4M3 -> data.set(JAVA_BYTE, index, FloatFormat.toF8E4M3((float) value));
      case F8E5M2 -> data.set(JAVA_BYTE, index, FloatFormat.toF8E5M2((float) value));
      case F16 -> data.set(JAVA_SHORT_UNALIGNED, index * 2, Float.floatToFloat16((float) value));
      case BF16 -> data.set(JAVA_SHORT_UNALIGNED, index * 2, FloatFormat.toBf16((float) value));
      case F32 -> data.set(JAVA_FLOAT_UNALIGNED, index * 4, (float) value);
      case F64 -> data.set(JAVA_DOUBLE_UNALIGNED, index * 8, value);
    }
  }

  /// All elements as floats.
  public float[] toFloats() {
    var out = new float[Math.toIntExact(elements())];
    for (int i = 0; i < out.length; i++) {
      out[i] = (float) getDouble(i);
    }
    return out;
  }

  /// All elements as longs.
  public long[] toLongs() {
    var out = new long[Math.toIntExact(elements())];
    for (int i = 0; i < out.length; i++) {
      out[i] = getLong(i);
    }
    return out;
  }

  /// The type with its extents as constants.
  public TensorType type() {
    return TensorType.of(dtype, shape);
  }

  @Override
  public String toString() {
    return dtype.text() + Arrays.toString(shape);
  }
}
