package dev.deepstack.tensor;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.util.EnumSet;
import java.util.Objects;
import java.util.Set;

/// From f32 weights to blocks, rounding as ggml's reference code does.
public final class BlockQuantizer {
  private static final Set<BlockFormat> WRITABLE =
      Set.copyOf(EnumSet.of(BlockFormat.Q8_0, BlockFormat.Q4_0, BlockFormat.Q6_K, BlockFormat.MXFP4));
  private static final double LOG_2 = Math.log(2);

  private BlockQuantizer() {}

  /// The formats that [#quantize] writes.
  public static Set<BlockFormat> formats() {
    return WRITABLE;
  }

  /// Stores one block: `format.weights()` weights of `in` from `from` on, at byte `offset` of `out`.
  ///
  /// @throws UnsupportedModelException for a format outside [#formats]
  /// @throws InvalidInputException when a weight is not finite, or too large for the format's f16 scale
  /// @throws IndexOutOfBoundsException when the weights lie outside `in` or the block outside `out`
  public static void quantize(BlockFormat format, float[] in, int from, MemorySegment out, long offset) {
    Objects.checkFromIndexSize(from, format.weights(), in.length);
    Objects.checkFromIndexSize(offset, format.bytes(), out.byteSize());
    float extreme = extreme(in, from, format.weights());
    switch (format) {
      case Q8_0 -> q8(in, from, extreme, out, offset);
      case Q4_0 -> q4(in, from, extreme, out, offset);
      case MXFP4 -> mxfp4(in, from, extreme, out, offset);
      case Q6_K -> SixBitQuantizer.quantize(in, from, out, offset);
      case Q4_1, Q5_0, Q5_1, Q2_K, Q3_K, Q4_K, Q5_K -> throw new UnsupportedModelException(
          "weights can be read as " + format + " but not written; choose one of " + WRITABLE);
    }
  }

  private static void q8(float[] in, int from, float extreme, MemorySegment out, long offset) {
    float d = Math.abs(extreme) / 127;
    float inverse = d == 0 ? 0 : 1 / d;
    putScale(out, offset, d);
    for (int i = 0; i < 32; i++) {
      out.set(JAVA_BYTE, offset + 2 + i, (byte) roundHalfAway(in[from + i] * inverse));
    }
  }

  /// The weight of the largest magnitude becomes code 0, so that all eight steps on its side are used.
  private static void q4(float[] in, int from, float extreme, MemorySegment out, long offset) {
    float d = extreme / -8;
    float inverse = d == 0 ? 0 : 1 / d;
    putScale(out, offset, d);
    for (int i = 0; i < 16; i++) {
      int low = Math.clamp((int) (in[from + i] * inverse + 8.5f), 0, 15);
      int high = Math.clamp((int) (in[from + 16 + i] * inverse + 8.5f), 0, 15);
      out.set(JAVA_BYTE, offset + 2 + i, (byte) (low | high << 4));
    }
  }

  private static void mxfp4(float[] in, int from, float extreme, MemorySegment out, long offset) {
    // The logarithm is rounded to f32 first, as the reference does: just below a power of two it may reach it.
    float log = (float) (Math.log(Math.abs(extreme)) / LOG_2);
    int e = extreme == 0 ? 0 : Math.max(0, (int) Math.floor(log) - 2 + 127);
    float half = MicroscaledBlocks.halfScale(e);
    out.set(JAVA_BYTE, offset, (byte) e);
    for (int i = 0; i < 16; i++) {
      int pair = nearest(in[from + i], half) | nearest(in[from + 16 + i], half) << 4;
      out.set(JAVA_BYTE, offset + 1 + i, (byte) pair);
    }
  }

  /// The first code with the least error. Codes of the other sign are further away than zero, and errors only grow once
  /// they have grown.
  private static int nearest(float x, float half) {
    int best = 0;
    float least = Math.abs(x);
    int sign = x < 0 ? 8 : 0;
    for (int code = sign + 1; code < sign + 8; code++) {
      float error = Math.abs(MicroscaledBlocks.doubled(code) * half - x);
      if (error > least) {
        break;
      }
      if (error < least) {
        least = error;
        best = code;
      }
    }
    return best;
  }

  /// The first of the weights with the largest magnitude.
  static float extreme(float[] in, int from, int count) {
    float extreme = 0;
    for (int i = from; i < from + count; i++) {
      if (!Float.isFinite(in[i])) {
        throw new InvalidInputException(
            "weight " + i + " is " + in[i] + ", which no block format can store; fetch the checkpoint again");
      }
      if (Math.abs(in[i]) > Math.abs(extreme)) {
        extreme = in[i];
      }
    }
    return extreme;
  }

  private static void putScale(MemorySegment out, long offset, float d) {
    short bits = Float.floatToFloat16(d);
    if (Float.isInfinite(Float.float16ToFloat(bits))) {
      throw new InvalidInputException("a block's scale of " + d + " is beyond 65504, the largest its f16 can hold;"
          + " choose mxfp4, or keep the checkpoint's own format");
    }
    out.set(JAVA_SHORT_UNALIGNED, offset, bits);
  }

  private static int roundHalfAway(float x) {
    int magnitude = (int) Math.floor(Math.abs(x) + 0.5);
    return x < 0 ? -magnitude : magnitude;
  }
}
