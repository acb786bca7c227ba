package dev.deepstack.runtime.kv;

import dev.deepstack.tensor.InvalidInputException;

/// Which pages of the caches are free. For one thread.
public final class Pages {
  private final int slots;
  private final int[] free;
  private final boolean[] taken;
  private int freeCount;

  /// @param count pages there are
  /// @param slots cache slots of each
  public Pages(int count, int slots) {
    if (count < 1 || slots < 1) {
      throw new InvalidInputException("the caches need at least one page, not " + count + " of " + slots + " slots");
    }
    this.slots = slots;
    free = new int[count];
    taken = new boolean[count];
    // Low numbers are taken first, so that a short sequence stays in little memory.
    for (int i = 0; i < count; i++) {
      free[i] = count - 1 - i;
    }
    freeCount = count;
  }

  /// Cache slots of a page.
  public int slots() {
    return slots;
  }

  public int count() {
    return free.length;
  }

  public int free() {
    return freeCount;
  }

  /// Pages that so many tokens need.
  public int needed(long tokens) {
    return Math.toIntExact(Math.ceilDiv(tokens, slots));
  }

  /// A page's number, or -1 when none is free.
  int take() {
    if (freeCount == 0) {
      return -1;
    }
    int page = free[--freeCount];
    taken[page] = true;
    return page;
  }

  void release(int page) {
    if (!taken[page]) {
      throw new IllegalStateException("page " + page + " is released twice");
    }
    taken[page] = false;
    free[freeCount++] = page;
  }
}
