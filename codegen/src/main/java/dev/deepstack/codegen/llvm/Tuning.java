package dev.deepstack.codegen.llvm;

/// Numbers found by measurement, see `docs/benchmarks.md`.
final class Tuning {
  /// How far ahead weights are fetched into L2 while they stream by.
  static final int FAR_PREFETCH_BYTES = Integer.getInteger("ds.far", 8192);

  /// How far ahead they are fetched into L1; 0 for not at all.
  static final int NEAR_PREFETCH_BYTES = Integer.getInteger("ds.near", 0);

  /// Length of the slabs of K that tiles work on.
  static final int SLAB = Integer.getInteger("ds.kc", 256);

  /// Rows of x that a block of tiles covers.
  static final int BLOCK_ROWS = Integer.getInteger("ds.mc", 96);

  /// Pairs of panels that share one copy of a block of x.
  static final int GROUP_PAIRS = Integer.getInteger("ds.group", 4);

  private Tuning() {}
}
