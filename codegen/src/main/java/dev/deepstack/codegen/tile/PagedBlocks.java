package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Op;
import dev.deepstack.tensor.Dim;

/// How attention over cache pages is cut: one token and some of the query heads that share a cache head at a time.
///
/// Scratch of a thread, in floats: scaled queries `[heads][queryStride]`, sums `[heads][valueStride]`, inverse sums
/// `[heads]` in a line of its own, scores `[heads][positions + 16]`.
public final class PagedBlocks {
  /// Vectors of any target divide this.
  private static final int LANES = 16;
  private static final int HEADS_MAX = 8;

  private PagedBlocks() {}

  /// Query heads per cache head.
  public static int sharing(Op.PagedAttention a) {
    return Math.toIntExact(a.q().type().dim(1).constant() / a.k().type().dim(1).constant());
  }

  /// Query heads that are worked on together.
  public static int heads(Op.PagedAttention a) {
    int sharing = sharing(a);
    int blocks = (sharing + HEADS_MAX - 1) / HEADS_MAX;
    return (sharing + blocks - 1) / blocks;
  }

  public static long queryStride(Op.PagedAttention a) {
    return padded(a.q().type().dim(2).constant());
  }

  public static long valueStride(Op.PagedAttention a) {
    return padded(a.v().type().dim(2).constant());
  }

  private static long padded(long width) {
    return (width + LANES - 1) / LANES * LANES;
  }

  /// Floats from head to head of the scores.
  public static Dim scoreStride(Op.PagedAttention a) {
    return a.pages().type().dim(1).times(a.pageSize()).plus(LANES);
  }

  /// Floats of a thread's scratch.
  public static Dim floats(Op.PagedAttention a) {
    long fixed = heads(a) * (queryStride(a) + valueStride(a)) + LANES;
    return scoreStride(a).times(heads(a)).plus(fixed + LANES);
  }
}
