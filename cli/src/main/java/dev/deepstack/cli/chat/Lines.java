package dev.deepstack.cli.chat;

import org.jspecify.annotations.Nullable;

/// Where the user's lines come from.
public interface Lines extends AutoCloseable {
  /// The next input, perhaps of several lines; null at the end.
  ///
  /// @throws Interrupted when the user took the line back
  @Nullable String read();

  /// Calls this when the user presses Ctrl-C while nothing is being read.
  default void onInterrupt(Runnable action) {}

  @Override
  default void close() {}

  /// The user pressed Ctrl-C instead of finishing the line.
  final class Interrupted extends RuntimeException {
    private static final long serialVersionUID = 1;

    Interrupted() {
      super(null, null, false, false);
    }
  }
}
