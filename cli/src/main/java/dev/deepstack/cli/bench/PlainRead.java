package dev.deepstack.cli.bench;

import dev.deepstack.program.code.LargeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/// Reads memory by a loop in Java: for machines that only run compiled programs and have no LLVM.
final class PlainRead {
  private static final ValueLayout.OfLong WORD = ValueLayout.JAVA_LONG_UNALIGNED;
  private static final long BLOCK = 64;

  private PlainRead() {}

  /// Bytes per second: the best of some rounds over `bytes`, shared by the threads.
  static double measure(int threads, long bytes, int rounds) {
    try (var arena = Arena.ofShared(); var together = new Together(threads)) {
      MemorySegment memory = LargeMemory.allocate(arena, bytes);
      long[] sinks = new long[threads];
      memory.fill((byte) 1);
      long part = bytes / threads & -(16L << 10);
      double best = 0;
      for (int round = 0; round < rounds; round++) {
        double seconds = together.time(t -> {
          sinks[t] += sum(memory.asSlice(t * part, part));
        });
        best = Math.max(best, part * threads / seconds);
      }
      return best;
    }
  }

  /// Eight sums, so that no addition waits for the one before it.
  private static long sum(MemorySegment part) {
    long a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0;
    for (long at = 0; at + BLOCK <= part.byteSize(); at += BLOCK) {
      a += part.get(WORD, at);
      b += part.get(WORD, at + 8);
      c += part.get(WORD, at + 16);
      d += part.get(WORD, at + 24);
      e += part.get(WORD, at + 32);
      f += part.get(WORD, at + 40);
      g += part.get(WORD, at + 48);
      h += part.get(WORD, at + 56);
    }
    return a + b + c + d + e + f + g + h;
  }
}
