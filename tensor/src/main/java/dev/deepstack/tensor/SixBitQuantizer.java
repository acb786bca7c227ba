package dev.deepstack.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;

/// From f32 weights to Q6_K: for each group of 16 the scale with the least error, weighted by the squares of the
/// weights; then the scales themselves in eight bits.
final class SixBitQuantizer {
  private static final int GROUP = 16;
  private static final int GROUPS = 16;
  private static final int CODE_MAX = 32;
  private static final float NOTHING = 1e-15f;

  private SixBitQuantizer() {}

  static void quantize(float[] in, int from, MemorySegment out, long offset) {
    var scales = new float[GROUPS];
    float extreme = 0;
    for (int g = 0; g < GROUPS; g++) {
      scales[g] = scale(in, from + g * GROUP);
      if (Math.abs(scales[g]) > Math.abs(extreme)) {
        extreme = scales[g];
      }
    }
    out.asSlice(offset, BlockFormat.Q6_K.bytes()).fill((byte) 0);
    if (Math.abs(extreme) < NOTHING) {
      return;
    }
    float inverse = -128f / extreme;
    short d = Float.floatToFloat16(1 / inverse);
    if (Float.isInfinite(Float.float16ToFloat(d))) {
      throw new InvalidInputException("a block's scale of " + 1 / inverse
          + " is beyond 65504, the largest its f16 can hold; keep the checkpoint's own format");
    }
    out.set(JAVA_SHORT_UNALIGNED, offset + 208, d);
    for (int g = 0; g < GROUPS; g++) {
      byte scale = (byte) Math.min(127, nearest(inverse * scales[g]));
      out.set(JAVA_BYTE, offset + 192 + g, scale);
      codes(in, from, g, Float.float16ToFloat(d) * scale, out, offset);
    }
  }

  /// The codes of a group, of which the low four bits and the high two go to different places.
  private static void codes(float[] in, int from, int group, float scale, MemorySegment out, long offset) {
    for (int w = group * GROUP; w < group * GROUP + GROUP; w++) {
      // A group whose scale vanishes keeps the code of its search in ggml, which is of no consequence: zero times it.
      int code = scale == 0 ? 0 : Math.clamp(nearest(in[from + w] / scale), -CODE_MAX, CODE_MAX - 1) + CODE_MAX;
      int half = w / 128;
      int at = w % 128;
      long low = offset + 64L * half + at % 64;
      long high = offset + 128 + 32L * half + at % 32;
      out.set(JAVA_BYTE, low, (byte) (out.get(JAVA_BYTE, low) | (code & 15) << 4 * (at / 64)));
      out.set(JAVA_BYTE, high, (byte) (out.get(JAVA_BYTE, high) | code >> 4 << 2 * (at / 32)));
    }
  }

  /// The best scale of a group: candidates put the extreme weight a little above or below the last code.
  private static float scale(float[] in, int from) {
    float extreme = BlockQuantizer.extreme(in, from, GROUP);
    if (Math.abs(extreme) < NOTHING) {
      return 0;
    }
    float scale = 0;
    float best = 0;
    for (int step = 0; step <= 18; step++) {
      // 0 first, then -9 … -1, 1 … 9.
      int shift = step == 0 ? 0 : step <= 9 ? step - 10 : step - 9;
      float inverse = -(CODE_MAX + 0.1f * shift) / extreme;
      float product = 0;
      float square = 0;
      for (int i = 0; i < GROUP; i++) {
        float x = in[from + i];
        int code = Math.clamp(nearest(inverse * x), -CODE_MAX, CODE_MAX - 1);
        float weight = x * x;
        product += weight * x * code;
        square += weight * code * code;
      }
      if (square > 0 && (step == 0 || product * product > best * square)) {
        scale = product / square;
        best = scale * product;
      }
    }
    return scale;
  }

  private static int nearest(float x) {
    return (int) Math.rint(x);
  }
}
