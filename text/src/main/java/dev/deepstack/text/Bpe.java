package dev.deepstack.text;

import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;

/// Byte-pair encoding of one word: start from single characters, merge the neighbours of lowest rank until
/// none is left.
final class Bpe {
  /// The tokens and merges of a `BPE` model.
  ///
  /// @param unknown the token for characters that have none, or -1: such characters are dropped
  record Model(
      Map<String, Integer> vocabulary, Merges merges, int unknown, boolean fusesUnknown,
      boolean fallsBackToBytes, boolean ignoresMerges) {}

  private static final int NONE = -1;

  private final Model model;
  private final int[] shortCharacters = new int[ByteAlphabet.LIMIT];
  private final WordCache cache = new WordCache();

  Bpe(Model model) {
    this.model = model;
    for (int c = 0; c < shortCharacters.length; c++) {
      shortCharacters[c] = model.vocabulary.getOrDefault(Character.toString(c), NONE);
    }
  }

  void encode(String word, IntList out) {
    if (word.isEmpty()) {
      return;
    }
    int[] ids = cache.get(word);
    if (ids == null) {
      ids = tokens(word);
      cache.put(word, ids);
    }
    out.addAll(ids);
  }

  private int[] tokens(String word) {
    if (model.ignoresMerges) {
      var whole = model.vocabulary.get(word);
      if (whole != null) {
        return new int[] {whole};
      }
    }
    int[] symbols = symbols(word);
    return symbols.length < 2 ? symbols : new Merging(symbols).run();
  }

  /// One token per character. An unknown one is held back until the next known one, so that a run of them can
  /// fuse.
  private int[] symbols(String word) {
    var symbols = new IntList();
    boolean heldUnknown = false;
    int length;
    for (int i = 0; i < word.length(); i += length) {
      length = Character.charCount(word.codePointAt(i));
      int id = character(word, i, length);
      if (id != NONE) {
        if (heldUnknown) {
          symbols.add(model.unknown);
          heldUnknown = false;
        }
        symbols.add(id);
      } else if (!(model.fallsBackToBytes && addBytes(word.substring(i, i + length), symbols))
          && model.unknown != NONE) {
        if (heldUnknown && !model.fusesUnknown) {
          symbols.add(model.unknown);
        }
        heldUnknown = true;
      }
    }
    if (heldUnknown) {
      symbols.add(model.unknown);
    }
    return symbols.toArray();
  }

  private int character(String word, int start, int length) {
    char c = word.charAt(start);
    return c < shortCharacters.length
        ? shortCharacters[c]
        : model.vocabulary.getOrDefault(word.substring(start, start + length), NONE);
  }

  private boolean addBytes(String character, IntList symbols) {
    byte[] bytes = character.getBytes(StandardCharsets.UTF_8);
    var ids = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      ids[i] = model.vocabulary.getOrDefault(byteToken(bytes[i] & 0xFF), NONE);
      if (ids[i] == NONE) {
        return false;
      }
    }
    symbols.addAll(ids);
    return true;
  }

  private static String byteToken(int value) {
    return String.format(Locale.ROOT, "<0x%02X>", value);
  }

  /// A linked list of symbols and a queue of possible merges, lowest rank first, leftmost first within a
  /// rank. A queue entry is `rank << 32 | position`; entries whose pair has since changed are skipped when
  /// they come up.
  private final class Merging {
    private final int[] symbols;
    private final int[] previous;
    private final int[] next;
    private final LongQueue queue;

    Merging(int[] symbols) {
      this.symbols = symbols;
      int count = symbols.length;
      previous = new int[count];
      next = new int[count];
      queue = new LongQueue(count);
      for (int i = 0; i < count; i++) {
        previous[i] = i - 1;
        next[i] = i + 1 < count ? i + 1 : NONE;
      }
    }

    int[] run() {
      for (int i = 0; i + 1 < symbols.length; i++) {
        offer(i);
      }
      while (!queue.isEmpty()) {
        long entry = queue.poll();
        merge((int) entry, (int) (entry >>> 32));
      }
      return Arrays.stream(symbols).filter(id -> id != NONE).toArray();
    }

    private void merge(int position, int rank) {
      int right = next[position];
      if (symbols[position] == NONE || right == NONE) {
        return;
      }
      int merge = model.merges.find(symbols[position], symbols[right]);
      if (merge < 0 || !model.merges.agrees(rank, merge)) {
        return;
      }
      symbols[position] = model.merges.merged(merge);
      symbols[right] = NONE;
      next[position] = next[right];
      if (next[right] != NONE) {
        previous[next[right]] = position;
      }
      if (previous[position] != NONE) {
        offer(previous[position]);
      }
      offer(position);
    }

    private void offer(int position) {
      int right = next[position];
      if (right != NONE) {
        int merge = model.merges.find(symbols[position], symbols[right]);
        if (merge >= 0) {
          queue.offer((long) model.merges.rank(merge) << 32 | position);
        }
      }
    }
  }
}
