package dev.deepstack.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import java.lang.foreign.MemorySegment;

/// Blocks of 256 weights in groups whose small integer scales share f16 scales: Q2_K, Q3_K, Q4_K, Q5_K, Q6_K.
final class SuperBlocks {
  private static final int WEIGHTS = 256;

  private SuperBlocks() {}

  static void q2(MemorySegment data, long offset, float[] out, int at) {
    float d = PlainBlocks.half(data, offset + 80);
    float m = PlainBlocks.half(data, offset + 82);
    for (int group = 0; group < 16; group++) {
      int s = unsigned(data, offset + group);
      float scale = d * (s & 15);
      float min = m * (s >> 4);
      for (int w = 16 * group; w < 16 * group + 16; w++) {
        out[at + w] = scale * twoBits(data, offset + 16, w) - min;
      }
    }
  }

  static void q3(MemorySegment data, long offset, float[] out, int at) {
    float d = PlainBlocks.half(data, offset + 108);
    for (int group = 0; group < 16; group++) {
      int low = unsigned(data, offset + 96 + group % 8) >> 4 * (group / 8) & 15;
      int high = unsigned(data, offset + 104 + group % 4) >> 2 * (group / 4) & 3;
      float scale = d * ((low | high << 4) - 32);
      for (int w = 16 * group; w < 16 * group + 16; w++) {
        int third = unsigned(data, offset + w % 32) >> w / 32 & 1;
        out[at + w] = scale * ((twoBits(data, offset + 32, w) | third << 2) - 4);
      }
    }
  }

  static void q4(MemorySegment data, long offset, float[] out, int at) {
    float d = PlainBlocks.half(data, offset);
    float m = PlainBlocks.half(data, offset + 2);
    for (int group = 0; group < 8; group++) {
      float scale = d * scale(data, offset + 4, group);
      float min = m * min(data, offset + 4, group);
      for (int i = 0; i < 32; i++) {
        out[at + 32 * group + i] = scale * nibble(data, offset + 16, group, i) - min;
      }
    }
  }

  static void q5(MemorySegment data, long offset, float[] out, int at) {
    float d = PlainBlocks.half(data, offset);
    float m = PlainBlocks.half(data, offset + 2);
    for (int group = 0; group < 8; group++) {
      float scale = d * scale(data, offset + 4, group);
      float min = m * min(data, offset + 4, group);
      for (int i = 0; i < 32; i++) {
        int fifth = unsigned(data, offset + 16 + i) >> group & 1;
        out[at + 32 * group + i] = scale * (nibble(data, offset + 48, group, i) | fifth << 4) - min;
      }
    }
  }

  static void q6(MemorySegment data, long offset, float[] out, int at) {
    float d = PlainBlocks.half(data, offset + 208);
    for (int w = 0; w < WEIGHTS; w++) {
      int half = w / 128;
      int in = w % 128;
      int low = unsigned(data, offset + 64L * half + in % 64) >> 4 * (in / 64) & 15;
      int high = unsigned(data, offset + 128 + 32L * half + in % 32) >> 2 * (in / 32) & 3;
      float scale = d * data.get(JAVA_BYTE, offset + 192 + w / 16);
      out[at + w] = scale * ((low | high << 4) - 32);
    }
  }

  /// The six-bit scale of a group of Q4_K and Q5_K.
  private static int scale(MemorySegment data, long at, int group) {
    return group < 4
        ? unsigned(data, at + group) & 63
        : unsigned(data, at + group + 4) & 15 | unsigned(data, at + group - 4) >> 6 << 4;
  }

  /// The six-bit offset of a group of Q4_K and Q5_K.
  private static int min(MemorySegment data, long at, int group) {
    return group < 4
        ? unsigned(data, at + group + 4) & 63
        : unsigned(data, at + group + 4) >> 4 | unsigned(data, at + group) >> 6 << 4;
  }

  /// Code of weight i of a group of 32: two groups are the low and the high nibbles of 32 bytes.
  private static int nibble(MemorySegment data, long at, int group, int i) {
    return unsigned(data, at + 32L * (group / 2) + i) >> 4 * (group % 2) & 15;
  }

  /// Two bits of weight w: the four quarters of each half of 128 weights share 32 bytes.
  private static int twoBits(MemorySegment data, long at, int w) {
    return unsigned(data, at + 32L * (w / 128) + w % 32) >> 2 * (w % 128 / 32) & 3;
  }

  private static int unsigned(MemorySegment data, long at) {
    return data.get(JAVA_BYTE, at) & 0xff;
  }
}
