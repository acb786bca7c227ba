package dev.deepstack.tensor;

import java.lang.foreign.MemorySegment;
import java.util.Objects;

/// Storage formats that keep weights in blocks with scales of their own, in the byte layouts of GGUF files. A row of
/// a matrix is a run of whole blocks; little-endian throughout.
///
/// In the layouts, `f16 d` is a scale, `f16 m` an offset, and a *nibble* half a byte, the low half first.
public enum BlockFormat {
  /// 34 bytes for 32 weights: `f16 d`, `i8 q[32]`. Weight i is `q[i] * d`.
  Q8_0(32, 34),
  /// 18 bytes for 32 weights: `f16 d`, `u8 q[16]`. Byte i holds weight i (low nibble) and weight i+16 (high nibble);
  /// a weight is `(code - 8) * d`.
  Q4_0(32, 18),
  /// 20 bytes for 32 weights: `f16 d`, `f16 m`, `u8 q[16]` as in [#Q4_0]. A weight is `code * d + m`.
  Q4_1(32, 20),
  /// 22 bytes for 32 weights: `f16 d`, `u32 h`, `u8 q[16]`. Bit i of `h` is the fifth, highest bit of weight i's
  /// code, the rest as in [#Q4_0]; a weight is `(code - 16) * d`.
  Q5_0(32, 22),
  /// 24 bytes for 32 weights: `f16 d`, `f16 m`, `u32 h`, `u8 q[16]` as in [#Q5_0]. A weight is `code * d + m`.
  Q5_1(32, 24),
  /// 84 bytes for 256 weights: `u8 s[16]`, `u8 q[64]`, `f16 d`, `f16 m`. Group g of 16 weights has the scale `(s[g] &
  /// 15) * d` and the offset `(s[g] >> 4) * m`; a weight is `code * scale - offset`. Bits 2j and 2j+1 of byte i of
  /// each half of `q` are the code of weight `32j + i` of that half.
  Q2_K(256, 84),
  /// 110 bytes for 256 weights: `u8 h[32]`, `u8 q[64]`, `u8 s[12]`, `f16 d`. The low two bits of a code are as in
  /// [#Q2_K]; bit j of `h[i]` is the third bit of weight `32j + i`. A weight is `(code - 4) * ((scale - 32) * d)`,
  /// one scale of six bits for each group of 16: four low bits in the nibbles of `s[0..8)` (low nibbles first, then
  /// the high ones), bits 2j and 2j+1 of `s[8 + i]` being the high bits of scale `4j + i`.
  Q3_K(256, 110),
  /// 144 bytes for 256 weights: `f16 d`, `f16 m`, `u8 s[12]`, `u8 q[128]`. Groups of 32 weights, each with a scale
  /// and an offset of six bits; a weight is `code * (scale * d) - offset * m`. The nibbles of each 32 bytes of `q`
  /// are two groups. For groups 0 to 3 scale and offset are the low six bits of `s[g]` and `s[g+4]`, for groups 4 to
  /// 7 the nibbles of `s[g+4]` below the two high bits of `s[g-4]` and `s[g]`.
  Q4_K(256, 144),
  /// 176 bytes for 256 weights: `f16 d`, `f16 m`, `u8 s[12]`, `u8 h[32]`, `u8 q[128]`. As [#Q4_K]; bit g of `h[i]` is
  /// the fifth bit of weight i of group g.
  Q5_K(256, 176),
  /// 210 bytes for 256 weights: `u8 q[128]`, `u8 h[64]`, `i8 s[16]`, `f16 d`. A weight is `(code - 32) * (d * s[g])`
  /// for groups of 16. In each half (128 weights, 64 bytes of `q`, 32 of `h`) the nibbles of `q` are the low four
  /// bits of weights 0 to 63, then of 64 to 127; bits 2j and 2j+1 of byte i of `h` the high bits of weight `32j + i`.
  Q6_K(256, 210),
  /// 17 bytes for 32 weights: `u8 e`, `u8 q[16]` with nibbles as in [#Q4_0]. A weight is the e2m1 value of its code
  /// (0, 0.5, 1, 1.5, 2, 3, 4, 6 and their negatives; code 8 is zero) times `2^(e - 127)`. As in ggml no `e` is NaN:
  /// 255 stands for 2^128, so that larger codes overflow.
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

  /// Weights that share one scale: the block, or a part of it that has a scale of its own.
  public int scaleGroup() {
    return switch (this) {
      case Q2_K, Q3_K, Q6_K -> 16;
      case Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, MXFP4 -> 32;
    };
  }

  /// Bytes of one block.
  public int bytes() {
    return bytes;
  }

  /// Bytes of a row of `k` weights.
  ///
  /// @throws IllegalArgumentException when `k` is negative or not a multiple of [#weights]
  /// @throws ArithmeticException when they are more than 64 bits can count
  public long rowBytes(long k) {
    if (k < 0 || k % weights != 0) {
      throw new IllegalArgumentException(
          "a row of " + k + " weights is not whole blocks of " + weights + " (" + this + ")");
    }
    return Math.multiplyExact(k / weights, bytes);
  }

  /// The weights of the block at byte `offset` of `data`, into `out` from `at` on: in f32, each operation rounded, in
  /// the order that the constants' formulas say.
  ///
  /// @throws IndexOutOfBoundsException when the block lies outside `data` or its weights outside `out`
  public void dequantize(MemorySegment data, long offset, float[] out, int at) {
    Objects.checkFromIndexSize(offset, bytes, data.byteSize());
    Objects.checkFromIndexSize(at, weights, out.length);
    switch (this) {
      case Q8_0 -> PlainBlocks.q8(data, offset, out, at);
      case Q4_0 -> PlainBlocks.q4(data, offset, out, at);
      case Q4_1 -> PlainBlocks.q4Offset(data, offset, out, at);
      case Q5_0 -> PlainBlocks.q5(data, offset, out, at);
      case Q5_1 -> PlainBlocks.q5Offset(data, offset, out, at);
      case Q2_K -> SuperBlocks.q2(data, offset, out, at);
      case Q3_K -> SuperBlocks.q3(data, offset, out, at);
      case Q4_K -> SuperBlocks.q4(data, offset, out, at);
      case Q5_K -> SuperBlocks.q5(data, offset, out, at);
      case Q6_K -> SuperBlocks.q6(data, offset, out, at);
      case MXFP4 -> MicroscaledBlocks.dequantize(data, offset, out, at);
    }
  }
}
