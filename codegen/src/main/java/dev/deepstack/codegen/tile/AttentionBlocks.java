package dev.deepstack.codegen.tile;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import org.jspecify.annotations.Nullable;

/// How attention by blocks lays out a thread's scratch: a block of query rows against one block of keys at a time.
/// Offsets count floats; each part begins on a cache line.
///
/// @param rows most query rows of a block
/// @param width elements of a query row and of a key
/// @param valueWidth elements of a value row and of a result row
public record AttentionBlocks(int rows, int width, int valueWidth) {
  /// Keys of a block.
  public static final int KEYS = 64;

  /// The widest vector for which rows are padded.
  private static final int LANES_MAX = 16;
  private static final int ROWS_MAX = 64;
  private static final int ROWS_STEP = 8;
  private static final int WIDTH_MAX = 2048;
  private static final int FLOATS_PER_LONG = 2;

  /// The blocks for these operands, or null if they need the plain kernel: rows must be dense and of known width.
  static @Nullable AttentionBlocks of(Operand q, Operand k, Operand v, Operand out) {
    boolean dense = isDense(q) && isDense(k) && isDense(v) && isDense(out);
    if (!dense) {
      return null;
    }
    Dim all = out.shape().elements().floorDiv(out.shape().dim(-1));
    long rows = all.isConstant() ? Math.min(all.constant(), ROWS_MAX) : ROWS_MAX;
    return new AttentionBlocks(up((int) Math.max(rows, 1), ROWS_STEP), (int) k.shape().dim(-1).constant(),
        (int) v.shape().dim(-1).constant());
  }

  private static boolean isDense(Operand x) {
    Dim width = x.shape().dim(-1);
    boolean isFloat = x.dtype() == DType.F32 || x.dtype() == DType.BF16 || x.dtype() == DType.F16;
    return isFloat && width.isConstant() && width.constant() >= 1 && width.constant() <= WIDTH_MAX
        && (x.strides().getLast().is(1) || width.is(1));
  }

  private static int up(int n, int multiple) {
    return (n + multiple - 1) / multiple * multiple;
  }

  /// Distance of query rows in scratch.
  public int queryStride() {
    return up(width, LANES_MAX);
  }

  /// Distance of result rows in scratch.
  public int valueStride() {
    return up(valueWidth, LANES_MAX);
  }

  /// Query rows, `[rows, queryStride]`.
  public int queries() {
    return 0;
  }

  /// Scores and then weights, `[rows, KEYS]`.
  public int scores() {
    return queries() + rows * queryStride();
  }

  /// A block of keys, transposed: `[width, KEYS]`.
  public int keys() {
    return scores() + rows * KEYS;
  }

  /// Weighted sums of values so far, `[rows, valueStride]`.
  public int values() {
    return keys() + width * KEYS;
  }

  /// Sums of weights so far, a vector per row.
  public int sums() {
    return values() + rows * valueStride();
  }

  /// The largest score so far of each row.
  public int maxima() {
    return sums() + rows * LANES_MAX;
  }

  /// First open key of each row, as i64.
  public int begins() {
    return maxima() + up(rows, LANES_MAX);
  }

  /// One past the last open key of each row, as i64.
  public int ends() {
    return begins() + up(rows * FLOATS_PER_LONG, LANES_MAX);
  }

  /// Where each row's mask begins, as i64.
  public int masks() {
    return ends() + up(rows * FLOATS_PER_LONG, LANES_MAX);
  }

  /// Floats of one thread's scratch.
  public int floats() {
    return masks() + up(rows * FLOATS_PER_LONG, LANES_MAX);
  }
}
