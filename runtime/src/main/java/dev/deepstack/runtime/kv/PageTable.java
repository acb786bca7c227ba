package dev.deepstack.runtime.kv;

import java.util.Arrays;

/// The pages of one sequence, in order of position. For one thread.
public final class PageTable {
  private final Pages pages;
  private int[] numbers = new int[4];
  private int size;

  public PageTable(Pages pages) {
    this.pages = pages;
  }

  /// Makes room for this many tokens in all.
  ///
  /// @return false when there are too few free pages; nothing has changed then
  public boolean ensure(long tokens) {
    int needed = pages.needed(tokens);
    if (needed - size > pages.free()) {
      return false;
    }
    if (needed > numbers.length) {
      numbers = Arrays.copyOf(numbers, Math.max(needed, 2 * numbers.length));
    }
    while (size < needed) {
      numbers[size++] = pages.take();
    }
    return true;
  }

  /// Gives back what more than this many tokens needed.
  public void keep(long tokens) {
    int kept = pages.needed(tokens);
    while (size > kept) {
      pages.release(numbers[--size]);
    }
  }

  public int size() {
    return size;
  }

  /// The number of a page.
  public int page(int index) {
    return numbers[index];
  }

  /// The cache slot of a position.
  public long slot(long position) {
    int index = (int) (position / pages.slots());
    return (long) numbers[index] * pages.slots() + position % pages.slots();
  }
}
