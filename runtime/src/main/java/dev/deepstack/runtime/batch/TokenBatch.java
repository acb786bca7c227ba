package dev.deepstack.runtime.batch;

import dev.deepstack.runtime.kv.PageTable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/// The tokens of one step. For one thread; used again for every step.
///
/// Columns of the page tables are padded to a power of two, so that few different sizes occur while sequences grow.
public final class TokenBatch {
  private static final int COLUMNS_MIN = 4;

  private long[] tokens = new long[16];
  private long[] positions = new long[16];
  private int[] sequences = new int[16];
  private long[] slots = new long[16];
  private int count;
  private final List<PageTable> tables = new ArrayList<>();
  private int[] select = new int[16];
  private int selected;

  void clear() {
    count = 0;
    selected = 0;
    tables.clear();
  }

  /// Begins the next sequence's tokens.
  void begin(PageTable table) {
    tables.add(table);
  }

  /// Adds a token of the sequence begun last.
  void add(int token, long position) {
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
      positions = Arrays.copyOf(positions, 2 * count);
      sequences = Arrays.copyOf(sequences, 2 * count);
      slots = Arrays.copyOf(slots, 2 * count);
    }
    tokens[count] = token;
    positions[count] = position;
    sequences[count] = tables.size() - 1;
    slots[count++] = tables.getLast().slot(position);
  }

  /// Wants the logits of the token added last.
  void select() {
    if (selected == select.length) {
      select = Arrays.copyOf(select, 2 * selected);
    }
    select[selected++] = count - 1;
  }

  /// How many tokens there are: T.
  public int count() {
    return count;
  }

  /// How many sequences they belong to: B.
  public int sequenceCount() {
    return tables.size();
  }

  /// How many tokens' logits are wanted: R.
  public int selectedCount() {
    return selected;
  }

  /// Columns of the table of pages: N.
  public int columns() {
    int most = 0;
    for (PageTable table : tables) {
      most = Math.max(most, table.size());
    }
    return padded(most);
  }

  /// The columns that so many pages are padded to.
  public static int padded(int columns) {
    return columns <= COLUMNS_MIN ? COLUMNS_MIN : Integer.highestOneBit(columns - 1) << 1;
  }

  public long token(int index) {
    return tokens[index];
  }

  public long position(int index) {
    return positions[index];
  }

  /// The row of the table of pages that a token belongs to.
  public int sequence(int index) {
    return sequences[index];
  }

  public long slot(int index) {
    return slots[index];
  }

  /// A page's number; 0 beyond a sequence's pages.
  public long page(int sequence, int column) {
    PageTable table = tables.get(sequence);
    return column < table.size() ? table.page(column) : 0;
  }

  /// Which token's logits are wanted in a row of the result.
  public int selected(int row) {
    return select[row];
  }
}
