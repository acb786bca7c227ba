package dev.deepstack.api;

import java.util.List;
import java.util.function.Consumer;

/// Passes text on up to the first stop string. The end of what came is held back as long as it may become one.
final class StopStrings {
  private final List<String> stops;
  private final Consumer<String> next;
  private final StringBuilder held = new StringBuilder();
  private boolean stopped;

  StopStrings(List<String> stops, Consumer<String> next) {
    this.stops = stops;
    this.next = next;
  }

  /// @return false once a stop string came
  boolean add(String text) {
    if (stopped || text.isEmpty()) {
      return !stopped;
    }
    held.append(text);
    int first = -1;
    for (String stop : stops) {
      int at = held.indexOf(stop);
      first = at >= 0 && (first < 0 || at < first) ? at : first;
    }
    stopped = first >= 0;
    int ready = stopped ? first : held.length() - suspects();
    emit(ready);
    return !stopped;
  }

  /// The text has ended.
  void flush() {
    if (!stopped) {
      emit(held.length());
    }
  }

  private void emit(int count) {
    if (count > 0) {
      next.accept(held.substring(0, count));
      held.delete(0, count);
    }
  }

  /// How many characters at the end begin a stop string.
  private int suspects() {
    int most = 0;
    for (String stop : stops) {
      for (int length = Math.min(stop.length() - 1, held.length()); length > most; length--) {
        if (held.substring(held.length() - length).equals(stop.substring(0, length))) {
          most = length;
        }
      }
    }
    return most;
  }
}
