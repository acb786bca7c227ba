package dev.deepstack.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/// Blocks of 32 e2m1 codes with one power of two: MXFP4.
final class MicroscaledBlocks {
  private static final int HALF = 16;

  private MicroscaledBlocks() {}

  static void dequantize(MemorySegment data, long offset, float[] out, int at) {
    float half = halfScale(data.get(JAVA_BYTE, offset) & 0xff);
    for (int i = 0; i < HALF; i++) {
      int pair = data.get(JAVA_BYTE, offset + 1 + i);
      out[at + i] = half * doubled(pair & 15);
      out[at + i + HALF] = half * doubled(pair >> 4 & 15);
    }
  }

  /// Half of `2^(e - 127)`, which f32 holds for every e; subnormal for 0 and 1.
  static float halfScale(int e) {
    return Float.intBitsToFloat(e < 2 ? 0x00200000 << e : e - 1 << 23);
  }

  /// Twice the e2m1 value of a code, an integer (so that code 8, minus zero, is plain zero).
  static int doubled(int code) {
    int exponent = code >> 1 & 3;
    int mantissa = code & 1;
    int magnitude = exponent == 0 ? mantissa : 2 + mantissa << exponent - 1;
    return code > 7 ? -magnitude : magnitude;
  }
}
