package dev.deepstack.cli;

import dev.deepstack.hub.Progress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongSupplier;

/// Says how a pull goes: one line that changes on a terminal, else a line per file.
final class PullProgress implements Progress {
  private final PrintWriter err;
  private final ProgressLine line;

  PullProgress(PrintWriter err, boolean watched) {
    this(err, watched, System::nanoTime);
  }

  PullProgress(PrintWriter err, boolean watched, LongSupplier clock) {
    this.err = err;
    this.line = new ProgressLine(err, watched, clock);
  }

  @Override
  public synchronized void begin(int files, long bytes, long present) {
    line.begin(bytes, present);
    if (files > 0) {
      err.println(String.format(Locale.ROOT, "deepstack: %d files to fetch, %s%s", files, ProgressLine.size(bytes),
          present == 0 ? "" : ", " + ProgressLine.size(present) + " of it there from before"));
    }
  }

  @Override
  public synchronized void bytes(String path, long count) {
    line.add(path, count);
  }

  @Override
  public synchronized void checking(String path) {
    line.show("checking " + path);
  }

  @Override
  public synchronized void placed(String path, long bytes) {
    line.show("");
    err.println("  " + path + " (" + ProgressLine.size(bytes) + ")");
    err.flush();
  }
}
