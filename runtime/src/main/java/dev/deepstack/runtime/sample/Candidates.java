package dev.deepstack.runtime.sample;

/// Tokens taken from the most likely downwards, without sorting the rest: a heap in one array of longs.
/// An entry has the inverted order of the logit in its high half and the id in its low half, so that the
/// smallest entry is the likeliest token.
final class Candidates {
  private long[] heap = new long[0];
  private int[] taken = new int[0];
  private int size;
  private int takenCount;

  void clear(int capacity) {
    size = 0;
    takenCount = 0;
    if (heap.length < capacity) {
      heap = new long[capacity];
      taken = new int[capacity];
    }
  }

  /// How many are not taken yet.
  int size() {
    return size;
  }

  void add(float logit, int id) {
    int bits = Float.floatToIntBits(logit + 0f); // -0 and 0 are equal
    int ascending = bits ^ bits >> 31 & Integer.MAX_VALUE;
    heap[size++] = (long) ~ascending << 32 | id;
  }

  /// To be called once after the last `add`.
  void order() {
    for (int root = size / 2 - 1; root >= 0; root--) {
      sink(root, heap[root]);
    }
  }

  /// The id of the token with `rank` likelier ones before it.
  int get(int rank) {
    while (takenCount <= rank) {
      taken[takenCount++] = (int) heap[0];
      sink(0, heap[--size]);
    }
    return taken[rank];
  }

  private void sink(int root, long value) {
    int hole = root;
    for (int child = 2 * hole + 1; child < size; child = 2 * hole + 1) {
      if (child + 1 < size && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= value) {
        break;
      }
      heap[hole] = heap[child];
      hole = child;
    }
    heap[hole] = value;
  }
}
