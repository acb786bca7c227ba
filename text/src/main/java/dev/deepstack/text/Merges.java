package dev.deepstack.text;

import java.util.Arrays;

/// The pairs of tokens that may merge: in which order, and into what.
final class Merges {
  private final PairTable pairs;
  private int[] ranks;
  private int[] merged;
  private int size;
  private boolean ranked = true;

  Merges(int expected) {
    pairs = new PairTable(expected);
    ranks = new int[Math.max(16, expected)];
    merged = new int[Math.max(16, expected)];
  }

  /// A merge of its own rank, after all others. A later one of the same pair replaces an earlier one.
  void add(int left, int right, int into) {
    add(left, right, into, size);
  }

  /// A merge of a rank that others may share; among equals the leftmost goes first.
  void add(int left, int right, int into, int rank) {
    if (size == ranks.length) {
      ranks = Arrays.copyOf(ranks, size * 2);
      merged = Arrays.copyOf(merged, size * 2);
    }
    ranked &= rank == size;
    ranks[size] = rank;
    merged[size] = into;
    pairs.put(left, right, size++);
  }

  /// The number of this pair's merge, or -1.
  int find(int left, int right) {
    return pairs.get(left, right);
  }

  int rank(int merge) {
    return ranks[merge];
  }

  int merged(int merge) {
    return merged[merge];
  }

  /// Whether a merge that was queued with this rank may still happen as `merge`, after the pair has changed.
  boolean agrees(int rank, int merge) {
    return ranks[merge] == rank || (ranked && merged[merge] == merged[rank]);
  }
}
