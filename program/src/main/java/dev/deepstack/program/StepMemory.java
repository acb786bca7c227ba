package dev.deepstack.program;

/// The memory by which the threads of a step meet, all 0 when a step of several threads begins: how many have arrived
/// at barriers, what went wrong, the last barrier that was passed, and counters of claimed work. Each
/// stands in a cache line of its own.
public final class StepMemory {
  public static final int LINE_BYTES = 64;
  public static final int FAULT = LINE_BYTES;
  /// Number of the sentence of [Program#faults], from 1, that made the step end early.
  public static final int CHECK = FAULT + Long.BYTES;
  public static final int RELEASED = 2 * LINE_BYTES;
  public static final int CLAIMS = 3 * LINE_BYTES;

  /// Kernels between two barriers that have counters, one for each thread.
  public static final int CLAIMING_MAX = 4;

  private StepMemory() {}

  public static long bytes(int threads) {
    return CLAIMS + (long) LINE_BYTES * CLAIMING_MAX * threads;
  }
}
