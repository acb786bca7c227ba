package dev.deepstack.tensor;

/// Conversions between the narrow float formats and f32, by their definitions: round to nearest even, subnormals kept.
public final class FloatFormat {
  private FloatFormat() {}

  /// bf16 is the upper half of an f32.
  public static float fromBf16(short bits) {
    return Float.intBitsToFloat(bits << 16);
  }

  public static short toBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) (bits + 0x7fff + (bits >>> 16 & 1) >>> 16);
  }

  /// OCP e4m3fn: bias 7, no infinity, `S.1111.111` is NaN, largest 448.
  public static float fromF8E4M3(byte bits) {
    int exponent = bits >> 3 & 15;
    int mantissa = bits & 7;
    float magnitude = exponent == 15 && mantissa == 7
        ? Float.NaN
        : exponent == 0 ? mantissa * 0x1p-9f : Math.scalb(1 + mantissa / 8f, exponent - 7);
    return bits < 0 ? -magnitude : magnitude;
  }

  /// Values beyond the largest finite one become NaN, as in PyTorch.
  public static byte toF8E4M3(float value) {
    return encode(value, 3, -6, 0x7f, 464f);
  }

  /// OCP e5m2: the upper half of an f16, with infinities.
  public static float fromF8E5M2(byte bits) {
    return Float.float16ToFloat((short) (bits << 8));
  }

  public static byte toF8E5M2(float value) {
    if (Float.isInfinite(value)) {
      return (byte) (value < 0 ? 0xfc : 0x7c);
    }
    return Math.abs(value) >= 61440f ? (byte) (value < 0 ? 0xfc : 0x7c) : encode(value, 2, -14, 0x7f, Float.MAX_VALUE);
  }

  /// `limit` is the smallest magnitude that no longer rounds to a finite value.
  private static byte encode(float value, int mantissaBits, int exponentMin, int nan, float limit) {
    int sign = Float.floatToRawIntBits(value) >>> 24 & 0x80;
    float magnitude = Math.abs(value);
    if (Float.isNaN(value) || magnitude > limit || magnitude == limit && nan == 0x7f && mantissaBits == 3) {
      return (byte) (sign | nan);
    }
    int exponent = Math.max(magnitude == 0 ? exponentMin : Math.getExponent(magnitude), exponentMin);
    // Rounding to an integer multiple of the last place; a carry walks into the exponent by itself.
    int units = (int) Math.rint(Math.scalb((double) magnitude, mantissaBits - exponent));
    int code = (exponent - exponentMin << mantissaBits) + units;
    return (byte) (sign | code);
  }
}
