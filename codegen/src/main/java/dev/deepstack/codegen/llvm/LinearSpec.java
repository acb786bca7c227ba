package dev.deepstack.codegen.llvm;

import dev.deepstack.program.weight.Packing;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A product of f32 rows with one packed weight matrix: `y[m, n] = sum over k of x[m, k] * w[n,
/// k]`.
///
/// @param name the name of the function
/// @param weights the storage format of the weights: F32, BF16, F16 or F8E4M3; U8 for blocks
/// @param blocks the block format of the weights, or null for plain numbers
/// @param tiles how weights are scaled in tiles, or null
/// @param n columns of the result, at least 1
/// @param k length of the sums, at least 1
/// @param rows which rows of `x` are used
/// @param bf16 whether all numbers of `x` are such that bf16 can say them
/// @param context further parameters of the function for its [Epilogue], typed: `"ptr out"`,
/// `"i64 outStride"`
public record LinearSpec(
    String name, DType weights, @Nullable BlockFormat blocks, @Nullable Tiles tiles, long n, long k, Rows rows,
    boolean bf16, List<String> context) {

  /// Tiles of `rows` x `columns` weights with one f32 scale each, `stride` scales from one row of tiles to the next.
  public record Tiles(int rows, int columns, long stride) {}

  /// Which rows of `x` take part.
  public enum Rows {
    /// Rows 0, 1, ... of `x`.
    ALL,
    /// The rows that an i32 array names; result row i belongs to its i-th entry.
    LISTED_I32,
    /// The rows that an i64 array names; result row i belongs to its i-th entry.
    LISTED_I64
  }

  public LinearSpec {
    context = List.copyOf(context);
    if (n < 1 || k < 1 || (blocks == null ? !Packing.supports(weights) : k % blocks.weights() != 0)) {
      throw new IllegalArgumentException(
          "no kernel for " + weights.text() + " weights [" + n + ", " + k + "]");
    }
  }

  /// A product with plain numbers or blocks.
  public LinearSpec(String name, DType weights, @Nullable BlockFormat blocks, long n, long k, Rows rows,
      List<String> context) {
    this(name, weights, blocks, null, n, k, rows, false, context);
  }

  /// A product with plain numbers.
  public LinearSpec(String name, DType weights, long n, long k, Rows rows, List<String> context) {
    this(name, weights, null, null, n, k, rows, false, context);
  }

  /// The same product with rows of which more or less is known.
  public LinearSpec with(boolean bf16) {
    return new LinearSpec(name, weights, blocks, tiles, n, k, rows, bf16, context);
  }

  /// All rows of `x`, plain results to `ptr out, i64 outStride`: for [Epilogue#plain].
  public static LinearSpec plain(String name, DType weights, long n, long k) {
    return new LinearSpec(name, weights, n, k, Rows.ALL, List.of("ptr out", "i64 outStride"));
  }
}
