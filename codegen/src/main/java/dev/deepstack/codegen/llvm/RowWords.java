package dev.deepstack.codegen.llvm;

import dev.deepstack.program.weight.BlockWords;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/// Reads stored rows, one per lane, as the lines of a chunk of a panel: words of 4 bytes, transposed four at a time.
///
/// @param rows pointers to the chunk in each row, as many as there are lanes
record RowWords(Fn f, List<String> rows) {
  private static final int AT_ONCE = 4;

  /// Stores the lines of one chunk from `to` on.
  ///
  /// @param blocks how many blocks of the chunk there are; the others count as zero
  void store(BlockWords words, int blocks, String to) {
    var lines = new String[words.words().size()];
    Arrays.fill(lines, "");
    int end = blocks * words.format().bytes();
    var whole = new ArrayList<Integer>();
    for (int i = 0; i < lines.length; i++) {
      if (at(words.words().get(i)) >= 0 && at(words.words().get(i)) < end) {
        whole.add(i);
      }
    }
    whole.sort(Comparator.comparingInt(i -> at(words.words().get(i))));
    for (List<Integer> run : runs(words, whole)) {
      run(words, run, lines);
    }
    for (int i = 0; i < lines.length; i++) {
      String line = switch (words.words().get(i)) {
        case BlockWords.Int _ -> lines[i];
        case BlockWords.Bits _ -> lines[i].isEmpty() ? "" : bits(lines[i]);
        case BlockWords.Halves(int low, int high) -> gathered(List.of(low, high), 16, end);
        case BlockWords.Bytes(int first, int step) ->
            gathered(List.of(first, first + step, first + 2 * step, first + 3 * step), 8, end);
      };
      f.store(line.isEmpty() ? Vec.zero(f, "i32", lanes()) : line, f.byteAt(to, 4L * lanes() * i), 4 * lanes());
    }
  }

  private int lanes() {
    return rows.size();
  }

  /// Where a word lies, or -1 when it is put together.
  private static int at(BlockWords.Word word) {
    return switch (word) {
      case BlockWords.Int(int at) -> at;
      case BlockWords.Bits(int at) -> at;
      case BlockWords.Halves _, BlockWords.Bytes _ -> -1;
    };
  }

  /// Words that lie one after another.
  private static List<List<Integer>> runs(BlockWords words, List<Integer> sorted) {
    var runs = new ArrayList<List<Integer>>();
    int next = -1;
    for (int i : sorted) {
      int at = at(words.words().get(i));
      if (at != next) {
        runs.add(new ArrayList<>());
      }
      runs.getLast().add(i);
      next = at + 4;
    }
    return runs;
  }

  private void run(BlockWords words, List<Integer> run, String[] lines) {
    for (int i = 0; i < run.size(); i += AT_ONCE) {
      // The last four may overlap those before.
      int first = Math.min(i, run.size() - AT_ONCE);
      List<String> four = four(at(words.words().get(run.get(first))));
      for (int w = 0; w < AT_ONCE; w++) {
        lines[run.get(first + w)] = four.get(w);
      }
    }
  }

  /// Four words of every row from `offset` on, one vector per word.
  List<String> four(int offset) {
    var quarters = new ArrayList<String>();
    for (int r = 0; r < AT_ONCE; r++) {
      var parts = new ArrayList<String>();
      for (int lane = r; lane < lanes(); lane += AT_ONCE) {
        parts.add(f.load("<4 x i32>", f.byteAt(rows.get(lane), offset), 1));
      }
      quarters.add(joined(parts));
    }
    // Within each 128 bits: rows 4i to 4i + 3.
    String low01 = interleaved(quarters.get(0), quarters.get(1), 1, 0);
    String high01 = interleaved(quarters.get(0), quarters.get(1), 1, 2);
    String low23 = interleaved(quarters.get(2), quarters.get(3), 1, 0);
    String high23 = interleaved(quarters.get(2), quarters.get(3), 1, 2);
    return List.of(interleaved(low01, low23, 2, 0), interleaved(low01, low23, 2, 2),
        interleaved(high01, high23, 2, 0), interleaved(high01, high23, 2, 2));
  }

  private String joined(List<String> parts) {
    List<String> level = parts;
    while (level.size() > 1) {
      var next = new ArrayList<String>();
      for (int i = 0; i < level.size(); i += 2) {
        int width = Fn.lanesOf(f.type(level.get(i)));
        var order = new int[2 * width];
        Arrays.setAll(order, j -> j);
        next.add(Vec.shuffle(f, level.get(i), level.get(i + 1), order));
      }
      level = next;
    }
    return level.getFirst();
  }

  /// In each 128 bits `width` words of `a`, as many of `b`, and so on, from word `from` on.
  private String interleaved(String a, String b, int width, int from) {
    var order = new int[lanes()];
    for (int i = 0; i < lanes(); i++) {
      int place = i % 4;
      int part = place / width;
      int word = from + part / 2 * width + place % width;
      order[i] = i / 4 * 4 + word + part % 2 * lanes();
    }
    return Vec.shuffle(f, a, b, order);
  }

  /// Words put together from pieces of `width` bits, the first lowest; pieces from `end` on, and at -1, are zero.
  private String gathered(List<Integer> offsets, int width, int end) {
    String line = Vec.zero(f, "i32", lanes());
    for (int r = 0; r < lanes(); r++) {
      String word = "";
      for (int i = 0; i < offsets.size(); i++) {
        if (offsets.get(i) >= 0 && offsets.get(i) < end) {
          String piece = f.cast("zext", f.load("i" + width, f.byteAt(rows.get(r), offsets.get(i)), 1), "i32");
          piece = i == 0 ? piece : f.binary("shl", piece, Integer.toString(width * i));
          word = word.isEmpty() ? piece : f.binary("or", word, piece);
        }
      }
      line = word.isEmpty() ? line : Vec.insert(f, line, word, r);
    }
    return line;
  }

  /// Bit k of each word to bit `8 * (k % 4) + k / 4`: the five digits of a bit's number turned by two places, as
  /// exchanges of two digits at a time.
  private String bits(String words) {
    return exchanged(exchanged(exchanged(exchanged(words, 0, 3), 1, 4), 1, 2), 0, 1);
  }

  private String exchanged(String words, int low, int high) {
    int mask = 0;
    for (int bit = 0; bit < 32; bit++) {
      mask |= (bit >> low & 1) == 1 && (bit >> high & 1) == 0 ? 1 << bit : 0;
    }
    String distance = Integer.toString((1 << high) - (1 << low));
    String differ = f.binary("and", f.binary("xor", f.binary("lshr", words, distance), words), Integer.toString(mask));
    return f.binary("xor", words, f.binary("xor", differ, f.binary("shl", differ, distance)));
  }
}
