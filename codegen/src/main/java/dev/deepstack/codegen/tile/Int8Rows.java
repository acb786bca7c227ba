package dev.deepstack.codegen.tile;

import dev.deepstack.tensor.Dim;

/// How rows of 8-bit activations lie in memory: what [dev.deepstack.ir.Op.Int8Blocks] is for kernels.
///
/// ```
/// row: [codes i8, padded k][scale f32 per group][sum of codes i32 per group][scale * sum f32 per group]
/// ```
///
/// Groups beyond k have the scale 0.
///
/// @param k elements of a row, a multiple of the group
/// @param group elements that share a scale: 16 or 32
public record Int8Rows(long k, int group) {
  /// The longest chunk of weights, see [dev.deepstack.program.weight.BlockWords].
  private static final int PADDING = 256;
  private static final int LINE = 64;

  public long padded() {
    return (k + PADDING - 1) / PADDING * PADDING;
  }

  public long groups() {
    return padded() / group;
  }

  /// Byte offset of the scales.
  public long scales() {
    return padded();
  }

  public long sums() {
    return scales() + 4 * groups();
  }

  public long scaledSums() {
    return sums() + 4 * groups();
  }

  /// Bytes from row to row.
  public long rowBytes() {
    return (scaledSums() + 4 * groups() + LINE - 1) / LINE * LINE;
  }

  Dim bytes(Dim rows) {
    return rows.times(rowBytes());
  }
}
