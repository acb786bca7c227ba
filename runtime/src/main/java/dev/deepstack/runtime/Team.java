package dev.deepstack.runtime;

import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/// The threads that run steps together. Between steps a worker spins for a moment, since the next token usually follows
/// at once, and then parks.
final class Team implements AutoCloseable {
  /// What every member does once per step; called with its number.
  interface Job {
    void run(int thread);
  }

  private static final int SPINS_BEFORE_PARK = 20_000;
  private static final VarHandle TURN;
  private static final VarHandle DONE;

  static {
    try {
      var lookup = MethodHandles.lookup();
      TURN = lookup.findVarHandle(Team.class, "turn", int.class);
      DONE = lookup.findVarHandle(Team.class, "done", int.class);
    } catch (ReflectiveOperationException e) {
      throw new ExceptionInInitializerError(e);
    }
  }

  private final Worker[] workers;
  private @Nullable Job job;
  private int turn;
  private int done;
  private volatile boolean closed;
  private volatile @Nullable Throwable failure;

  /// @param size members, the calling thread included
  Team(int size) {
    workers = new Worker[size - 1];
    for (int i = 0; i < workers.length; i++) {
      workers[i] = new Worker(i + 1);
      workers[i].thread.start();
    }
  }

  int size() {
    return workers.length + 1;
  }

  /// Runs the job on all members and returns when all are done.
  void run(Job work) {
    job = work;
    DONE.setRelease(this, 0);
    TURN.setVolatile(this, turn + 1);
    for (Worker worker : workers) {
      if (worker.parked) {
        LockSupport.unpark(worker.thread);
      }
    }
    work.run(0);
    while ((int) DONE.getAcquire(this) < workers.length) {
      Thread.onSpinWait();
    }
    Throwable failed = failure;
    if (failed != null) {
      failure = null;
      throw new IllegalStateException("a thread of the step failed", failed);
    }
  }

  private final class Worker implements Runnable {
    private final int number;
    private final Thread thread;
    private volatile boolean parked;

    Worker(int number) {
      this.number = number;
      thread = new Thread(this, "deepstack-" + number);
      thread.setDaemon(true);
    }

    @Override
    public void run() {
      int seen = 0;
      while (true) {
        seen = await(seen);
        if (closed) {
          return;
        }
        try {
          java.util.Objects.requireNonNull(job).run(number);
        } catch (RuntimeException | Error e) {
          failure = e;
        } finally {
          DONE.getAndAdd(Team.this, 1);
        }
      }
    }

    private int await(int seen) {
      for (int spins = 0; spins < SPINS_BEFORE_PARK; spins++) {
        if ((int) TURN.getAcquire(Team.this) != seen) {
          return seen + 1;
        }
        Thread.onSpinWait();
      }
      parked = true;
      while ((int) TURN.getVolatile(Team.this) == seen) {
        LockSupport.park(this);
      }
      parked = false;
      return seen + 1;
    }
  }

  /// Ends the threads. Not while a job runs.
  @Override
  public void close() {
    closed = true;
    TURN.setVolatile(this, turn + 1);
    for (Worker worker : workers) {
      LockSupport.unpark(worker.thread);
    }
    for (Worker worker : workers) {
      boolean interrupted = false;
      while (worker.thread.isAlive()) {
        try {
          worker.thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
