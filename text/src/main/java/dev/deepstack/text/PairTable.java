package dev.deepstack.text;

import java.util.Arrays;

/// The rank of each mergeable pair of tokens: an open-addressing hash table without boxing.
final class PairTable {
  private static final long EMPTY = -1;

  private final long[] pairs;
  private final int[] ranks;
  private final int mask;

  PairTable(int capacity) {
    int slots = Integer.highestOneBit(Math.max(8, capacity)) * 4;
    pairs = new long[slots];
    ranks = new int[slots];
    mask = slots - 1;
    Arrays.fill(pairs, EMPTY);
  }

  /// A later rank replaces an earlier one.
  void put(int left, int right, int rank) {
    int slot = slot(pair(left, right));
    pairs[slot] = pair(left, right);
    ranks[slot] = rank;
  }

  /// The pair's rank, or -1.
  int rank(int left, int right) {
    int slot = slot(pair(left, right));
    return pairs[slot] == EMPTY ? -1 : ranks[slot];
  }

  private int slot(long pair) {
    long mixed = pair * 0x9E3779B97F4A7C15L;
    int slot = (int) (mixed >>> 32) & mask;
    while (pairs[slot] != EMPTY && pairs[slot] != pair) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private static long pair(int left, int right) {
    return (long) left << 32 | right;
  }
}
