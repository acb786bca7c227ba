package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.List;

/// Sums across lanes, of many vectors at once.
final class Across {
  private Across() {}

  /// The sum over the lanes of each of as many vectors as there are lanes; lane i holds that of vector i.
  static String sums(Fn f, List<String> vectors) {
    List<String> level = vectors;
    for (int width = vectors.size(); width > 1; width /= 2) {
      var next = new ArrayList<String>();
      for (int i = 0; i < level.size(); i += 2) {
        next.add(halve(f, level.get(i), level.get(i + 1), vectors.size(), width));
      }
      level = next;
    }
    return level.getFirst();
  }

  /// Both vectors consist of segments `width` wide; the result has the folded segments of `a`, then those of `b`.
  private static String halve(Fn f, String a, String b, int lanes, int width) {
    var low = new int[lanes];
    var high = new int[lanes];
    int half = width / 2;
    int at = 0;
    for (int segment = 0; segment < 2 * lanes; segment += width) {
      for (int i = 0; i < half; i++) {
        low[at] = segment + i;
        high[at++] = segment + half + i;
      }
    }
    return f.fadd(Vec.shuffle(f, a, b, low), Vec.shuffle(f, a, b, high));
  }
}
