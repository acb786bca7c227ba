package dev.deepstack.codegen.llvm;

/// Numbers found by measurement, see `docs/benchmarks.md`.
final class Tuning {
  /// How far ahead weights are fetched into L2 while they stream by. Further is worse where
  /// memory is fast: 8 KiB costs bf16 a quarter of its speed.
  static final int PREFETCH_BYTES = 2048;

  /// The same for 8-bit floats, whose lines take so many instructions that the hardware does not run ahead by itself:
  /// 2 KiB arrive too late and give 40 % of a bandwidth of 60 GB/s, 8 KiB 70 %.
  static final int PREFETCH_BYTES_FLOAT8 = 8192;

  /// Blocks of cache slots that attention fetches ahead, each as many slots as a vector has lanes.
  static final int PAGES_AHEAD = 2;

  /// The same where few heads share the keys, so that a block takes less time.
  static final int PAGES_AHEAD_FEW_HEADS = 4;

  /// Length of the slabs of K that tiles work on.
  static final int SLAB = 256;

  /// Rows of x that a block of tiles covers.
  static final int BLOCK_ROWS = 128;

  /// Pairs of panels that share one copy of a block of x.
  static final int GROUP_PAIRS = 8;

  private Tuning() {}
}
