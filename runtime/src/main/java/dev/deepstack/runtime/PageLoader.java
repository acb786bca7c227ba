package dev.deepstack.runtime;

import dev.deepstack.program.code.LargeMemory;
import java.lang.foreign.MemorySegment;
import java.util.List;

/// Brings mapped weights into this process's memory in the background, in large pieces: a page at a time, as steps
/// would find them missing, takes the processors five times as long, and the memory that a model was said to need would
/// be there only when the last expert has been chosen and the last token embedded.
final class PageLoader implements AutoCloseable {
  /// Less than this comes by itself.
  private static final long BYTES_MIN = 32L << 20;
  private static final long PIECE_BYTES = 16L << 20;

  private final Thread thread;
  private volatile boolean stopped;

  /// @param mapped memory that stays mapped until this is closed
  PageLoader(List<MemorySegment> mapped) {
    thread = Thread.ofPlatform().daemon().name("deepstack-pages").unstarted(() -> mapped.forEach(this::load));
    if (mapped.stream().mapToLong(MemorySegment::byteSize).sum() >= BYTES_MIN) {
      thread.start();
    }
  }

  private void load(MemorySegment mapped) {
    for (long at = 0; at < mapped.byteSize() && !stopped; at += PIECE_BYTES) {
      LargeMemory.populate(mapped.asSlice(at, Math.min(PIECE_BYTES, mapped.byteSize() - at)));
    }
  }

  @Override
  public void close() {
    stopped = true;
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException _) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
