package dev.deepstack.program;

import dev.deepstack.program.weight.BlockPacking;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.weight.PanelLayout;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How the bytes of one weight buffer come from the checkpoint.
///
/// The pieces, one after another, give the rows of `groups` matrices `[rows, columns]`; `groups` is the number of
/// experts for routed weights and 1 otherwise.
///
/// A `*` in the name of a piece's weight stands for the number of the group: each group then has a tensor of its own.
///
/// @param layout how they are stored for the kernels
/// @param dtype of the elements, in the checkpoint and in the buffer
/// @param blocks the block format of the weights, or null for plain numbers; the elements are then the u8 of whole rows
///     of blocks
public record WeightRecipe(
    Layout layout, DType dtype, @Nullable BlockFormat blocks, long groups, long rows, long columns,
    List<Piece> pieces) {
  /// How a weight is stored.
  public enum Layout {
    /// Row-major, as tensors are.
    PLAIN,
    /// Panels of [Program#panelRows] rows, as the linear kernels read them.
    PANELS,
    /// 3 x 3 taps with channels inside, transformed as [Winograd] says, in panels.
    WINOGRAD
  }

  /// A strided view of one named tensor of the checkpoint, counted over its row-major elements: `groups` times `rows`
  /// times the columns.
  ///
  /// Column `j` lies at `j / inner * columnStride + j % inner * innerStride`: taps with their channels inside.
  ///
  /// @param offset of the first element
  /// @param columnStride may be negative: taps in reverse
  public record Piece(
      String weight, long offset, long rows, long groupStride, long rowStride, long columnStride, long inner,
      long innerStride) {
    /// A piece whose columns lie evenly.
    public Piece(String weight, long offset, long rows, long groupStride, long rowStride, long columnStride) {
      this(weight, offset, rows, groupStride, rowStride, columnStride, 1, 0);
    }

    /// Steps between columns in a row of `columns`: the smallest address, relative to the first column.
    public long lowest(long columns) {
      return Math.min(0, Math.multiplyExact(Math.max(0, columns - 1) / inner, columnStride));
    }

    /// The largest address, relative to the first column.
    public long highest(long columns) {
      long outer = Math.max(0, Math.multiplyExact(Math.max(0, columns - 1) / inner, columnStride));
      return Math.addExact(outer, Math.multiplyExact(inner - 1, innerStride));
    }
  }

  public WeightRecipe {
    pieces = List.copyOf(pieces);
  }

  /// A recipe for plain numbers.
  public WeightRecipe(Layout layout, DType dtype, long groups, long rows, long columns, List<Piece> pieces) {
    this(layout, dtype, null, groups, rows, columns, pieces);
  }

  /// Weights of a row.
  public long k() {
    return blocks == null ? columns : columns / blocks.bytes() * blocks.weights();
  }

  /// The panels that [Layout#PANELS] and [Layout#WINOGRAD] ask for, `panelRows` rows each.
  public PanelLayout panels(int panelRows) {
    if (layout == Layout.WINOGRAD) {
      return new Packing(dtype, rows, columns / Winograd.TAPS * Winograd.PLACES, panelRows);
    }
    return blocks == null ? new Packing(dtype, rows, columns, panelRows)
        : new BlockPacking(blocks, rows, k(), panelRows);
  }
}
