package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/// How a tensor's elements lie in a GGUF file, by ggml's numbers.
public enum GgufType {
  F32(0, DType.F32),
  F16(1, DType.F16),
  Q4_0(2, BlockFormat.Q4_0),
  Q4_1(3, BlockFormat.Q4_1),
  Q5_0(6, BlockFormat.Q5_0),
  Q5_1(7, BlockFormat.Q5_1),
  Q8_0(8, BlockFormat.Q8_0),
  Q8_1(9),
  Q2_K(10, BlockFormat.Q2_K),
  Q3_K(11, BlockFormat.Q3_K),
  Q4_K(12, BlockFormat.Q4_K),
  Q5_K(13, BlockFormat.Q5_K),
  Q6_K(14, BlockFormat.Q6_K),
  Q8_K(15),
  IQ2_XXS(16),
  IQ2_XS(17),
  IQ3_XXS(18),
  IQ1_S(19),
  IQ4_NL(20),
  IQ3_S(21),
  IQ2_S(22),
  IQ4_XS(23),
  I8(24, DType.I8),
  I16(25, DType.I16),
  I32(26, DType.I32),
  I64(27, DType.I64),
  F64(28, DType.F64),
  IQ1_M(29),
  BF16(30, DType.BF16),
  TQ1_0(34),
  TQ2_0(35),
  MXFP4(39, BlockFormat.MXFP4),
  NVFP4(40);

  private final int number;
  private final @Nullable DType dtype;
  private final @Nullable BlockFormat block;

  GgufType(int number, DType dtype) {
    this.number = number;
    this.dtype = dtype;
    this.block = null;
  }

  GgufType(int number, BlockFormat block) {
    this.number = number;
    this.dtype = DType.U8;
    this.block = block;
  }

  GgufType(int number) {
    this.number = number;
    this.dtype = null;
    this.block = null;
  }

  /// The type with this number.
  static Optional<GgufType> of(int number) {
    for (GgufType type : values()) {
      if (type.number == number) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /// The plain elements of this dtype.
  public static GgufType of(DType dtype) {
    return valueOf(dtype.name());
  }

  /// The blocks of this format.
  public static GgufType of(BlockFormat format) {
    return valueOf(format.name());
  }

  int number() {
    return number;
  }

  /// False for types that have a name here and no reader.
  public boolean isReadable() {
    return dtype != null;
  }

  /// What is stored: `u8` for blocks.
  ///
  /// @throws IllegalStateException for a type that is not readable
  public DType dtype() {
    if (dtype == null) {
      throw new IllegalStateException(name());
    }
    return dtype;
  }

  /// The format of blocks, or null for plain elements.
  public @Nullable BlockFormat block() {
    return block;
  }

  /// Elements that must be stored together.
  int group() {
    return block == null ? 1 : block.weights();
  }

  /// Elements of the innermost axis of a shape.
  static long columns(long[] shape) {
    return shape.length == 0 ? 1 : shape[shape.length - 1];
  }

  /// Bytes of a tensor, its rows whole groups.
  ///
  /// @param shape outermost first
  /// @throws ArithmeticException when they are more than 64 bits can count
  long bytes(long[] shape) {
    long bytes = rowBytes(columns(shape));
    for (int i = 0; i < shape.length - 1; i++) {
      bytes = Math.multiplyExact(bytes, shape[i]);
    }
    return bytes;
  }

  /// Bytes of a row of `k` elements, whole groups.
  public long rowBytes(long k) {
    return block == null ? Math.multiplyExact(k, dtype().bytes()) : block.rowBytes(k);
  }
}
