package dev.deepstack.text;

import java.util.Arrays;

/// A number for each of many pairs of tokens: an open-addressing hash table without boxing, which grows.
final class PairTable {
  private static final long EMPTY = -1;

  private long[] pairs;
  private int[] values;
  private int mask;
  private int size;

  PairTable(int expected) {
    int slots = Integer.highestOneBit(Math.clamp(expected, 8, 1 << 24)) * 4;
    pairs = new long[slots];
    values = new int[slots];
    mask = slots - 1;
    Arrays.fill(pairs, EMPTY);
  }

  /// A later value replaces an earlier one.
  void put(int left, int right, int value) {
    if (size > mask / 2) {
      grow();
    }
    put(pair(left, right), value);
  }

  private void put(long pair, int value) {
    int slot = slot(pair);
    if (pairs[slot] == EMPTY) {
      size++;
    }
    pairs[slot] = pair;
    values[slot] = value;
  }

  /// The pair's value, or -1.
  int get(int left, int right) {
    int slot = slot(pair(left, right));
    return pairs[slot] == EMPTY ? -1 : values[slot];
  }

  private void grow() {
    var oldPairs = pairs;
    var oldValues = values;
    pairs = new long[oldPairs.length * 2];
    values = new int[oldPairs.length * 2];
    mask = pairs.length - 1;
    size = 0;
    Arrays.fill(pairs, EMPTY);
    for (int i = 0; i < oldPairs.length; i++) {
      if (oldPairs[i] != EMPTY) {
        put(oldPairs[i], oldValues[i]);
      }
    }
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
