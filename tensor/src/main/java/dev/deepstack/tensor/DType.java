package dev.deepstack.tensor;

import java.util.Locale;

/// Element type of a tensor. Names follow the field: `F8E4M3` is the finite e4m3fn format.
public enum DType {
  BOOL(1, Kind.BOOL),
  U8(1, Kind.UNSIGNED),
  I8(1, Kind.SIGNED),
  I16(2, Kind.SIGNED),
  I32(4, Kind.SIGNED),
  I64(8, Kind.SIGNED),
  U16(2, Kind.UNSIGNED),
  U32(4, Kind.UNSIGNED),
  U64(8, Kind.UNSIGNED),
  F8E4M3(1, Kind.FLOAT),
  F8E5M2(1, Kind.FLOAT),
  F16(2, Kind.FLOAT),
  BF16(2, Kind.FLOAT),
  F32(4, Kind.FLOAT),
  F64(8, Kind.FLOAT);

  private enum Kind { BOOL, UNSIGNED, SIGNED, FLOAT }

  private final int bytes;
  private final Kind kind;

  DType(int bytes, Kind kind) {
    this.bytes = bytes;
    this.kind = kind;
  }

  /// Bytes of one element.
  public int bytes() {
    return bytes;
  }

  public boolean isFloat() {
    return kind == Kind.FLOAT;
  }

  /// True for signed and unsigned integers, false for bool.
  public boolean isInteger() {
    return kind == Kind.SIGNED || kind == Kind.UNSIGNED;
  }

  public boolean isUnsigned() {
    return kind == Kind.UNSIGNED;
  }

  public boolean isBool() {
    return kind == Kind.BOOL;
  }

  /// Rank of PyTorch's promotion order between categories: bool, integer, float.
  public int category() {
    return isBool() ? 0 : isInteger() ? 1 : 2;
  }

  /// The name used in IR text, JSON and messages: `f32`, `bf16`, `i64`, `bool`, `f8e4m3`.
  public String text() {
    return name().toLowerCase(Locale.ROOT);
  }

  /// Inverse of [#text()].
  ///
  /// @throws IllegalArgumentException for an unknown name
  public static DType parse(String text) {
    return valueOf(text.toUpperCase(Locale.ROOT));
  }

  /// PyTorch's `torch.promote_types`: the smallest type that both convert to.
  public static DType promote(DType a, DType b) {
    if (a == b) {
      return a;
    }
    if (a.category() != b.category()) {
      return a.category() > b.category() ? a : b;
    }
    if (a.isFloat()) {
      // Two different 16-bit (or 8-bit) floats meet in f32.
      return a.bytes == b.bytes ? F32 : a.bytes > b.bytes ? a : b;
    }
    if (a.isUnsigned() == b.isUnsigned()) {
      return a.bytes >= b.bytes ? a : b;
    }
    DType signed = a.isUnsigned() ? b : a;
    DType unsigned = a.isUnsigned() ? a : b;
    if (signed.bytes > unsigned.bytes) {
      return signed;
    }
    return switch (unsigned.bytes) {
      case 1 -> I16;
      case 2 -> I32;
      default -> I64;
    };
  }
}
