package dev.deepstack.cli;

import dev.deepstack.hub.Progress;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongSupplier;

/// Says how a pull goes: one line that changes on a terminal, else a line per file.
final class PullProgress implements Progress {
  private static final long LINE_EVERY_NS = 200_000_000;
  /// The rate is that of about the last seconds, so that it follows the network.
  private static final double MEMORY_NS = 3e9;

  private final PrintWriter err;
  private final boolean watched;
  private final LongSupplier clock;
  private long total;
  private long done;
  private long since;
  private long sinceBytes;
  private double bytesPerNs;
  private boolean lineOpen;

  PullProgress(PrintWriter err, boolean watched) {
    this(err, watched, System::nanoTime);
  }

  PullProgress(PrintWriter err, boolean watched, LongSupplier clock) {
    this.err = err;
    this.watched = watched;
    this.clock = clock;
  }

  @Override
  public synchronized void begin(int files, long bytes, long present) {
    total = bytes;
    done = present;
    since = clock.getAsLong();
    if (files > 0) {
      err.println(String.format(Locale.ROOT, "deepstack: %d files to fetch, %s%s", files, size(bytes),
          present == 0 ? "" : ", " + size(present) + " of it there from before"));
    }
  }

  @Override
  public synchronized void bytes(String path, long count) {
    done += count;
    sinceBytes += count;
    long now = clock.getAsLong();
    long passed = now - since;
    if (passed < LINE_EVERY_NS) {
      return;
    }
    double rate = Math.max(sinceBytes, 0) / (double) passed;
    double weight = bytesPerNs == 0 ? 1 : Math.min(1, passed / MEMORY_NS);
    bytesPerNs += weight * (rate - bytesPerNs);
    since = now;
    sinceBytes = 0;
    if (watched) {
      line(String.format(Locale.ROOT, "%3d %%  %s of %s  %s/s  %s left  %s", total == 0 ? 100 : 100 * done / total,
          size(done), size(total), size((long) (bytesPerNs * 1e9)), duration(), path));
    }
  }

  private String duration() {
    if (bytesPerNs <= 0) {
      return "some time";
    }
    long seconds = (long) ((total - done) / bytesPerNs / 1e9);
    return seconds >= 3600 ? String.format(Locale.ROOT, "%d h %02d min", seconds / 3600, seconds / 60 % 60)
        : seconds >= 60 ? String.format(Locale.ROOT, "%d min %02d s", seconds / 60, seconds % 60) : seconds + " s";
  }

  static String size(long bytes) {
    return bytes >= 1_000_000_000 ? String.format(Locale.ROOT, "%.2f GB", bytes / 1e9)
        : bytes >= 1_000_000 ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
            : String.format(Locale.ROOT, "%.1f kB", bytes / 1e3);
  }

  @Override
  public synchronized void checking(String path) {
    if (watched) {
      line("checking " + path);
    }
  }

  @Override
  public synchronized void placed(String path, long bytes) {
    line("");
    err.println("  " + path + " (" + size(bytes) + ")");
    err.flush();
  }

  private void line(String text) {
    if (watched && (lineOpen || !text.isEmpty())) {
      err.print("\r\033[K" + text);
      err.flush();
      lineOpen = !text.isEmpty();
    }
  }
}
