package dev.deepstack.models;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;

/// How the elements of a weight lie in its file.
public sealed interface StoredForm {
  /// Bytes of a matrix `[rows, columns]`, its scales included.
  long bytes(long rows, long columns);

  /// As elements of a float dtype.
  record Plain(DType dtype) implements StoredForm {
    @Override
    public long bytes(long rows, long columns) {
      return rows * columns * dtype.bytes();
    }
  }

  /// As elements of a float dtype, each tile of `rows` x `columns` with a scale, kept in a tensor beside it.
  record Tiles(DType code, DType scale, int rows, int columns) implements StoredForm {
    /// What the name of the tensor of scales adds to that of its weight.
    public static final String SCALES = "_scale_inv";

    @Override
    public long bytes(long n, long k) {
      return n * k * code.bytes() + Math.ceilDiv(n, rows) * Math.ceilDiv(k, columns) * scale.bytes();
    }
  }

  /// In blocks with scales inside; a row is a whole number of blocks.
  record Blocks(BlockFormat format) implements StoredForm {
    @Override
    public long bytes(long rows, long columns) {
      return rows * format.rowBytes(columns);
    }
  }

  /// In a form that can be counted but not computed on.
  ///
  /// @param name as the file gives it
  /// @param bits of one weight, scales included
  record Counted(String name, double bits) implements StoredForm {
    @Override
    public long bytes(long rows, long columns) {
      return (long) Math.ceil(rows * columns * bits / 8);
    }
  }
}
