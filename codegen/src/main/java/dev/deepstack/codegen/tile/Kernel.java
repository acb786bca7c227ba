package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.BlockFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// What all threads do between two barriers: one native function of a step.
///
/// Kernels name values: those with memory (see [Step.Run#memory]) are loaded, the others are computed on the way.
public sealed interface Kernel {
  /// Element-wise expressions with the reductions and contractions inside them, each written to its place.
  record Loops(List<Nest> nests) implements Kernel {
    public Loops {
      nests = List.copyOf(nests);
    }
  }

  /// `out[i…] = root[i…]` for all elements of `root`.
  record Nest(Operand out, Value root) {
    /// Whether the root is computed here; otherwise it lies in memory and is copied.
    public boolean isComputed(Map<Value, Operand> memory) {
      Operand known = memory.get(root);
      return known == null || known.equals(out);
    }
  }

  /// `y = x w^T`, then `root` computed from `y` element by element: rows of `x` by panels of a packed weight.
  ///
  /// @param x [rows, k]; for block weights i8 [rows, row bytes] as [Int8Rows] says
  /// @param weight buffer of a packed weight recipe
  /// @param product the value that `y` is; `root` reads it at its own index only
  /// @param out [rows, n], where `root` goes, reshaped to rows
  /// @param scales of the weight's tiles, if it has any
  record Linear(Operand x, int weight, Value product, Value root, Operand out, long columns, @Nullable Scales scales)
      implements Kernel {}

  /// One f32 for each tile of `rows` x `columns` weights; see [Op.ScaleTiles].
  ///
  /// @param tiles the scales as rows, of all experts one after another
  record Scales(Operand tiles, int rows, int columns) {}

  /// A convolution with channels last, then `root` computed from it element by element: a product as [Linear] does it,
  /// whose rows are the windows of `x`.
  ///
  /// @param x [n, d…, c], channels side by side
  /// @param weight buffer of a packed weight recipe: rows of taps, channels innermost
  /// @param op the attributes; its values say nothing here
  /// @param out [positions, o], where `root` goes
  record Convolution(
      Operand x, int weight, Op.Convolution op, Value product, Value root, Operand out, long columns)
      implements Kernel {}

  /// As [Convolution], for 3 x 3 windows one after another: with the products of [Winograd] instead of all taps.
  ///
  /// @param weight buffer of a recipe with transformed weights
  /// @param scratch for each thread what `tiles` says
  record WinogradConvolution(
      Operand x, int weight, Op.Convolution op, Value product, Value root, Operand out, int scratch,
      WinogradTiles tiles) implements Kernel {}

  /// As [Convolution], of each channel by itself.
  ///
  /// @param weight buffer of a packed weight recipe: rows of taps, one for each channel
  record DepthwiseConvolution(
      Operand x, int weight, Op.Convolution op, Value product, Value root, Operand out) implements Kernel {}

  /// `out[i,j,:] = w[ids[i,j]] x[i(,j),:]`.
  ///
  /// @param x [n, d] or [n, k, d]
  /// @param ids [n, k]
  /// @param out [n, k, o]
  /// @param scratch lists of rows and places, for each thread
  /// @param scales of the weights' tiles, if they have any
  record RoutedLinear(
      Operand x, int weight, Operand ids, Value product, Operand out, int scratch, @Nullable Scales scales)
      implements Kernel {}

  /// Softmax attention over strided operands; see [Op.Attention].
  ///
  /// @param scratch for each thread a block as `blocks` says, or one row of scores
  record Attention(
      Operand q, Operand k, Operand v, @Nullable Operand mask, double scale, boolean causal, Operand out,
      int scratch, @Nullable AttentionBlocks blocks) implements Kernel {}

  /// Rows as 8-bit codes with scales, in the form of [Int8Rows]; see [Op.Int8Blocks].
  ///
  /// @param x [rows, k]
  /// @param out i8 [rows, row bytes]
  record Quantize(Operand x, Int8Rows form, Operand out) implements Kernel {}

  /// Rows of stored blocks as f32; see [Op.Dequantize].
  ///
  /// @param x u8 [rows, row bytes]
  /// @param out [rows, k]
  record Dequantize(Operand x, BlockFormat format, Operand out) implements Kernel {}

  /// Softmax attention over cache pages; see [Op.PagedAttention].
  ///
  /// @param op the attributes; its values say nothing here
  /// @param scratch for each thread what [PagedBlocks] says
  record PagedAttention(
      Op.PagedAttention op, Operand q, Operand k, Operand v, @Nullable Operand kScale, @Nullable Operand vScale,
      Operand positions, Operand sequences, Operand pages, @Nullable Operand sinks, Operand out, int scratch)
      implements Kernel {
    /// What is read, in order.
    public List<Operand> operands() {
      return Stream.of(q, k, v, kScale, vScale, positions, sequences, pages, sinks).filter(Objects::nonNull).toList();
    }
  }

  /// Rows of `x` in groups times the group's matrix; see [Op.GroupedMatMul].
  record GroupedMatMul(Operand x, Operand w, Operand offsets, Operand out) implements Kernel {}

  /// Indices of the largest or smallest elements of each row; see [Op.TopK].
  record TopK(Operand x, long k, boolean largest, Operand out) implements Kernel {}

  /// Stable order of each row; see [Op.ArgSort].
  record ArgSort(Operand x, boolean descending, Operand out) implements Kernel {}

  /// Index of the largest element along an axis; see [Op.ArgMax].
  record ArgMax(Operand x, int axis, Operand out) implements Kernel {}

  /// Running sum along an axis; see [Op.CumSum].
  record CumSum(Operand x, int axis, Operand out) implements Kernel {}

  /// `out` already holds the scattered-to values; `source` is stored (or added) where `indices` says.
  ///
  /// @param along true for `torch.scatter` addressing, false for whole slices
  record Scatter(Operand out, Operand indices, Value source, int axis, Op.Combine combine, boolean along)
      implements Kernel {}

  /// A short name for reports.
  default String kind() {
    return switch (this) {
      case Loops _ -> "loops";
      case Linear _ -> "linear";
      case Convolution _ -> "convolution";
      case WinogradConvolution _ -> "winograd_convolution";
      case DepthwiseConvolution _ -> "depthwise_convolution";
      case RoutedLinear _ -> "routed_linear";
      case Attention _ -> "attention";
      case Quantize _ -> "quantize";
      case Dequantize _ -> "dequantize";
      case PagedAttention _ -> "paged_attention";
      case GroupedMatMul _ -> "grouped_mat_mul";
      case TopK _ -> "top_k";
      case ArgSort _ -> "arg_sort";
      case ArgMax _ -> "arg_max";
      case CumSum _ -> "cum_sum";
      case Scatter _ -> "scatter";
    };
  }

  /// Where the kernel writes.
  default List<Operand> outputs() {
    return switch (this) {
      case Loops l -> l.nests.stream().map(Nest::out).toList();
      case Linear l -> List.of(l.out);
      case Convolution c -> List.of(c.out);
      case WinogradConvolution c -> List.of(c.out);
      case DepthwiseConvolution c -> List.of(c.out);
      case RoutedLinear r -> List.of(r.out);
      case Attention a -> List.of(a.out);
      case Quantize q -> List.of(q.out);
      case Dequantize d -> List.of(d.out);
      case PagedAttention p -> List.of(p.out);
      case GroupedMatMul g -> List.of(g.out);
      case TopK t -> List.of(t.out);
      case ArgSort a -> List.of(a.out);
      case ArgMax a -> List.of(a.out);
      case CumSum c -> List.of(c.out);
      case Scatter s -> List.of(s.out);
    };
  }
}
