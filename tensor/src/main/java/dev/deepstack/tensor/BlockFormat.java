package dev.deepstack.tensor;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Storage formats that keep weights in blocks with scales of their own, in the byte layouts of GGUF files. A row of a
/// matrix is a run of whole blocks.
public enum BlockFormat {
  Q8_0(32, 34),
  Q4_0(32, 18),
  Q4_1(32, 20),
  Q5_0(32, 22),
  Q5_1(32, 24),
  Q2_K(256, 84),
  Q3_K(256, 110),
  Q4_K(256, 144),
  Q5_K(256, 176),
  Q6_K(256, 210),
  MXFP4(32, 17);

  private final int weights;
  private final int bytes;

  BlockFormat(int weights, int bytes) {
    this.weights = weights;
    this.bytes = bytes;
  }

  /// Weights of one block.
  public int weights() {
    return weights;
  }

  /// Bytes of one block.
  public int bytes() {
    return bytes;
  }

  /// Bytes of a row of `k` weights, `k` a multiple of [#weights].
  public long rowBytes(long k) {
    return k / weights * bytes;
  }

  /// The weights of the block at `offset` of `data`, into `out` from `at` on.
  public void dequantize(MemorySegment data, long offset, float[] out, int at) {
    float scale = Float.float16ToFloat(data.get(ValueLayout.JAVA_SHORT_UNALIGNED, offset));
    switch (this) {
      case Q8_0 -> {
        for (int i = 0; i < weights; i++) {
          out[at + i] = scale * data.get(ValueLayout.JAVA_BYTE, offset + 2 + i);
        }
      }
      case Q4_0 -> {
        for (int i = 0; i < weights / 2; i++) {
          int pair = data.get(ValueLayout.JAVA_BYTE, offset + 2 + i);
          out[at + i] = scale * ((pair & 15) - 8);
          out[at + weights / 2 + i] = scale * ((pair >> 4 & 15) - 8);
        }
      }
      default -> throw new UnsupportedModelException("weights stored as " + this + " cannot be read yet");
    }
  }
}
