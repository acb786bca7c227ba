package dev.deepstack.cli;

import java.io.PrintWriter;
import java.util.Locale;
import java.util.function.LongSupplier;

/// A line on a terminal that says how far something has come, at what rate, and how long it will take.
final class ProgressLine {
  private static final long LINE_EVERY_NS = 200_000_000;
  /// The rate is that of about the last seconds, so that it follows what slows it down.
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

  /// @param watched whether anybody looks; nothing is printed otherwise
  ProgressLine(PrintWriter err, boolean watched, LongSupplier clock) {
    this.err = err;
    this.watched = watched;
    this.clock = clock;
  }

  void begin(long bytes, long present) {
    total = bytes;
    done = present;
    since = clock.getAsLong();
  }

  /// @param what is being worked on
  void add(String what, long count) {
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
      show(String.format(Locale.ROOT, "%3d %%  %s of %s  %s/s  %s left  %s", total == 0 ? 100 : 100 * done / total,
          size(done), size(total), size((long) (bytesPerNs * 1e9)), duration(), what));
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

  /// Bytes in words.
  static String size(long bytes) {
    return bytes >= 1_000_000_000 ? String.format(Locale.ROOT, "%.2f GB", bytes / 1e9)
        : bytes >= 1_000_000 ? String.format(Locale.ROOT, "%.1f MB", bytes / 1e6)
            : String.format(Locale.ROOT, "%.1f kB", bytes / 1e3);
  }

  /// Another text in place of the line; an empty one clears it.
  void show(String text) {
    if (watched && (lineOpen || !text.isEmpty())) {
      err.print("\r\033[K" + text);
      err.flush();
      lineOpen = !text.isEmpty();
    }
  }
}
