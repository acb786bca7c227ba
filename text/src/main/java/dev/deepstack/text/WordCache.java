package dev.deepstack.text;

import java.util.concurrent.atomic.AtomicReferenceArray;
import org.jspecify.annotations.Nullable;

/// Remembers the tokens of recent words. One slot per hash, the newest word wins: bounded, and safe for many
/// threads.
final class WordCache {
  private static final int SLOTS = 1 << 14;
  private static final int LONGEST_WORD = 128;

  private record Entry(String word, int[] ids) {}

  private final AtomicReferenceArray<@Nullable Entry> entries = new AtomicReferenceArray<>(SLOTS);

  int @Nullable [] get(String word) {
    if (word.length() > LONGEST_WORD) {
      return null;
    }
    var entry = entries.get(slot(word));
    return entry != null && entry.word.equals(word) ? entry.ids : null;
  }

  void put(String word, int[] ids) {
    if (word.length() <= LONGEST_WORD) {
      entries.set(slot(word), new Entry(word, ids));
    }
  }

  private static int slot(String word) {
    int hash = word.hashCode() * 0x9E3779B9;
    return hash >>> 18;
  }
}
