package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BinaryOperator;

/// A square of as many vectors as lanes, turned around, in steps that are one x86 shuffle each: within quarters of a
/// vector (128 bits) first, then whole quarters.
final class Transpose {
  private static final int QUARTER = 4;

  private Transpose() {}

  /// Column `i` of the square as vector `i`.
  static List<String> square(Fn f, List<String> rows) {
    int lanes = rows.size();
    var columns = new String[lanes];
    // Of four rows: vector j has column 4c + j in its quarter c.
    var fours = new ArrayList<List<String>>();
    for (int r = 0; r < lanes; r += QUARTER) {
      fours.add(four(f, rows.subList(r, r + QUARTER), lanes));
    }
    for (int j = 0; j < QUARTER; j++) {
      var parts = new ArrayList<String>();
      for (List<String> four : fours) {
        parts.add(four.get(j));
      }
      var turned = quarters(f, parts, lanes);
      for (int c = 0; c < turned.size(); c++) {
        columns[QUARTER * c + j] = turned.get(c);
      }
    }
    return List.of(columns);
  }

  private static List<String> four(Fn f, List<String> rows, int lanes) {
    String low0 = unpack(f, rows.get(0), rows.get(1), lanes, 1, false);
    String high0 = unpack(f, rows.get(0), rows.get(1), lanes, 1, true);
    String low1 = unpack(f, rows.get(2), rows.get(3), lanes, 1, false);
    String high1 = unpack(f, rows.get(2), rows.get(3), lanes, 1, true);
    return List.of(unpack(f, low0, low1, lanes, 2, false), unpack(f, low0, low1, lanes, 2, true),
        unpack(f, high0, high1, lanes, 2, false), unpack(f, high0, high1, lanes, 2, true));
  }

  /// Interleaves units of the lower (or upper) half of each quarter of `a` and `b`.
  private static String unpack(Fn f, String a, String b, int lanes, int unit, boolean upper) {
    var lane = new int[lanes];
    int half = upper ? QUARTER / 2 : 0;
    for (int i = 0; i < lanes; i++) {
      int within = i % QUARTER;
      int pair = within / unit;
      int from = i - within + half + pair / 2 * unit + within % unit;
      lane[i] = pair % 2 == 0 ? from : lanes + from;
    }
    return Vec.shuffle(f, a, b, lane);
  }

  /// Quarter `c` of every vector, as vector `c`.
  private static List<String> quarters(Fn f, List<String> parts, int lanes) {
    if (parts.size() == 1) {
      return parts;
    }
    int half = parts.size() / 2;
    var even = new ArrayList<String>();
    var odd = new ArrayList<String>();
    for (int i = 0; i < half; i++) {
      even.add(everyOther(f, parts.get(2 * i), parts.get(2 * i + 1), lanes, QUARTER, lanes, 0));
      odd.add(everyOther(f, parts.get(2 * i), parts.get(2 * i + 1), lanes, QUARTER, lanes, 1));
    }
    var result = new ArrayList<String>();
    var evens = quarters(f, even, lanes);
    var odds = quarters(f, odd, lanes);
    for (int i = 0; i < half; i++) {
      result.add(evens.get(i));
      result.add(odds.get(i));
    }
    return result;
  }

  /// Lane `i` combines all lanes of vector `i`.
  static String across(Fn f, List<String> vectors, BinaryOperator<String> combine) {
    int lanes = vectors.size();
    List<String> all = vectors;
    for (int unit = 1; unit < QUARTER; unit *= 2) {
      all = halve(f, all, lanes, 1, QUARTER, combine);
    }
    while (all.size() > 1) {
      all = halve(f, all, lanes, QUARTER, lanes, combine);
    }
    return all.getFirst();
  }

  private static List<String> halve(
      Fn f, List<String> vectors, int lanes, int unit, int block, BinaryOperator<String> combine) {
    var next = new ArrayList<String>();
    for (int i = 0; i < vectors.size(); i += 2) {
      String a = vectors.get(i);
      String b = vectors.get(i + 1);
      next.add(combine.apply(everyOther(f, a, b, lanes, unit, block, 0), everyOther(f, a, b, lanes, unit, block, 1)));
    }
    return next;
  }

  /// In each block of lanes: the even (or odd) units of `a`'s block, then those of `b`'s.
  private static String everyOther(Fn f, String a, String b, int lanes, int unit, int block, int odd) {
    var lane = new int[lanes];
    int at = 0;
    for (int base = 0; base < lanes; base += block) {
      for (int source = 0; source < 2; source++) {
        for (int u = odd; u < block / unit; u += 2) {
          for (int i = 0; i < unit; i++) {
            lane[at++] = source * lanes + base + u * unit + i;
          }
        }
      }
    }
    return Vec.shuffle(f, a, b, lane);
  }
}
