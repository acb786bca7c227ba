package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.UnsupportedModelException;
import org.jspecify.annotations.Nullable;

/// Element types as numbered in the file. Some have no [DType] here; they are refused when something reads
/// them.
public enum ScalarType {
  UINT8(1, "uint8", 1, DType.U8),
  INT8(2, "int8", 1, DType.I8),
  INT16(3, "int16", 2, DType.I16),
  INT32(4, "int32", 4, DType.I32),
  INT64(5, "int64", 8, DType.I64),
  FLOAT16(6, "float16", 2, DType.F16),
  FLOAT32(7, "float32", 4, DType.F32),
  FLOAT64(8, "float64", 8, DType.F64),
  COMPLEX32(9, "complex32", 4, null),
  COMPLEX64(10, "complex64", 8, null),
  COMPLEX128(11, "complex128", 16, null),
  BOOL(12, "bool", 1, DType.BOOL),
  BFLOAT16(13, "bfloat16", 2, DType.BF16),
  UINT16(28, "uint16", 2, DType.U16),
  FLOAT8_E4M3FN(29, "float8_e4m3fn", 1, DType.F8E4M3),
  FLOAT8_E5M2(30, "float8_e5m2", 1, DType.F8E5M2),
  FLOAT8_E4M3FNUZ(31, "float8_e4m3fnuz", 1, null),
  FLOAT8_E5M2FNUZ(32, "float8_e5m2fnuz", 1, null),
  FLOAT8_E8M0FNU(33, "float8_e8m0fnu", 1, null),
  UINT32(34, "uint32", 4, DType.U32),
  UINT64(35, "uint64", 8, DType.U64);

  private final int number;
  private final String text;
  private final int bytes;
  private final @Nullable DType dtype;

  ScalarType(int number, String text, int bytes, @Nullable DType dtype) {
    this.number = number;
    this.text = text;
    this.bytes = bytes;
    this.dtype = dtype;
  }

  /// The name PyTorch uses, as `bfloat16`.
  public String text() {
    return text;
  }

  /// Bytes per element in a file.
  public int bytes() {
    return bytes;
  }

  /// Whether [#dtype] has an answer.
  public boolean isSupported() {
    return dtype != null;
  }

  /// The element type of both parts of a complex number, or null for a type that is not complex.
  public @Nullable DType part() {
    return switch (this) {
      case COMPLEX32 -> DType.F16;
      case COMPLEX64 -> DType.F32;
      case COMPLEX128 -> DType.F64;
      default -> null;
    };
  }

  /// The element type; throws `UnsupportedModelException` where there is none.
  public DType dtype() {
    if (dtype == null) {
      throw new UnsupportedModelException("tensors of type " + text
          + " are not supported; export the model in a real floating-point type");
    }
    return dtype;
  }

  /// The type of that number in the file, or null.
  static @Nullable ScalarType ofNumber(long number) {
    for (var type : values()) {
      if (type.number == number) {
        return type;
      }
    }
    return null;
  }

  /// The type of that PyTorch name, or null.
  static @Nullable ScalarType ofText(String text) {
    for (var type : values()) {
      if (type.text.equals(text)) {
        return type;
      }
    }
    return null;
  }
}
