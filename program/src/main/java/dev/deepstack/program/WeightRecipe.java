package dev.deepstack.program;

import dev.deepstack.tensor.DType;
import java.util.List;

/// How the bytes of one weight buffer come from the checkpoint.
///
/// The pieces, one after another, give the rows of `groups` matrices `[rows, columns]`; `groups` is the number of
/// experts for routed weights and 1 otherwise.
///
/// @param layout how they are stored for the kernels
/// @param dtype of the elements, in the checkpoint and in the buffer
public record WeightRecipe(
    Layout layout, DType dtype, long groups, long rows, long columns, List<Piece> pieces) {
  /// How a weight is stored.
  public enum Layout {
    /// Row-major, as tensors are.
    PLAIN,
    /// Panels of [Program#panelRows] rows, as the linear kernels read them.
    PANELS
  }

  /// A strided view of one named tensor of the checkpoint, counted over its row-major elements: `groups` times `rows`
  /// times the columns.
  ///
  /// @param offset of the first element
  public record Piece(
      String weight, long offset, long rows, long groupStride, long rowStride, long columnStride) {}

  public WeightRecipe {
    pieces = List.copyOf(pieces);
  }
}
