package dev.deepstack.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/// Blocks of 32 weights with one f16 scale and perhaps one f16 offset: Q8_0, Q4_0, Q4_1, Q5_0, Q5_1.
final class PlainBlocks {
  private static final int HALF = 16;

  private PlainBlocks() {}

  static void q8(MemorySegment data, long offset, float[] out, int at) {
    float d = half(data, offset);
    for (int i = 0; i < 2 * HALF; i++) {
      out[at + i] = data.get(JAVA_BYTE, offset + 2 + i) * d;
    }
  }

  static void q4(MemorySegment data, long offset, float[] out, int at) {
    float d = half(data, offset);
    for (int i = 0; i < HALF; i++) {
      int pair = data.get(JAVA_BYTE, offset + 2 + i);
      out[at + i] = ((pair & 15) - 8) * d;
      out[at + i + HALF] = ((pair >> 4 & 15) - 8) * d;
    }
  }

  static void q4Offset(MemorySegment data, long offset, float[] out, int at) {
    float d = half(data, offset);
    float m = half(data, offset + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = data.get(JAVA_BYTE, offset + 4 + i);
      out[at + i] = (pair & 15) * d + m;
      out[at + i + HALF] = (pair >> 4 & 15) * d + m;
    }
  }

  static void q5(MemorySegment data, long offset, float[] out, int at) {
    float d = half(data, offset);
    int high = data.get(JAVA_INT_UNALIGNED, offset + 2);
    for (int i = 0; i < HALF; i++) {
      int pair = data.get(JAVA_BYTE, offset + 6 + i);
      out[at + i] = ((pair & 15 | (high >>> i & 1) << 4) - 16) * d;
      out[at + i + HALF] = ((pair >> 4 & 15 | (high >>> i + HALF & 1) << 4) - 16) * d;
    }
  }

  static void q5Offset(MemorySegment data, long offset, float[] out, int at) {
    float d = half(data, offset);
    float m = half(data, offset + 2);
    int high = data.get(JAVA_INT_UNALIGNED, offset + 4);
    for (int i = 0; i < HALF; i++) {
      int pair = data.get(JAVA_BYTE, offset + 8 + i);
      out[at + i] = (pair & 15 | (high >>> i & 1) << 4) * d + m;
      out[at + i + HALF] = (pair >> 4 & 15 | (high >>> i + HALF & 1) << 4) * d + m;
    }
  }

  static float half(MemorySegment data, long offset) {
    return Float.float16ToFloat(data.get(JAVA_SHORT_UNALIGNED, offset));
  }
}
