package dev.deepstack.cli.bench;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/// Runs short pieces of native work on several threads at once and times them. Threads wait by
/// spinning, as in a step, so that a piece of a millisecond is not mostly waking up.
final class Together implements AutoCloseable {

  /// One thread's part of a piece of work.
  interface Part {
    void run(int thread) throws Throwable;
  }

  private final int threads;
  private final AtomicLong started = new AtomicLong();
  private final AtomicInteger running = new AtomicInteger();
  private volatile Part part = _ -> {};
  private volatile boolean closed;
  private volatile @Nullable Throwable failure;

  Together(int threads) {
    this.threads = threads;
    for (int i = 1; i < threads; i++) {
      int thread = i;
      Thread.ofPlatform().daemon().name("bench-" + i).start(() -> work(thread));
    }
  }

  /// Seconds until the last thread is done.
  double time(Part work) {
    part = work;
    running.set(threads - 1);
    long begin = System.nanoTime();
    started.incrementAndGet();
    try {
      work.run(0);
    } catch (Throwable e) {
      throw new IllegalStateException("a measured kernel failed", e);
    }
    while (running.get() > 0) {
      Thread.onSpinWait();
    }
    if (failure != null) {
      throw new IllegalStateException("a measured kernel failed", failure);
    }
    return (System.nanoTime() - begin) * 1e-9;
  }

  private void work(int thread) {
    for (long round = 1; ; round++) {
      while (started.get() < round) {
        if (closed) {
          return;
        }
        Thread.onSpinWait();
      }
      try {
        part.run(thread);
      } catch (Throwable e) {
        failure = e;
      }
      running.decrementAndGet();
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
