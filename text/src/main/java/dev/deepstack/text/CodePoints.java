package dev.deepstack.text;

import java.util.BitSet;

/// Sets of Unicode characters, written as hexadecimal ranges.
final class CodePoints {
  private CodePoints() {}

  /// The characters of `"41-5a 5f"`.
  static BitSet of(String ranges) {
    var set = new BitSet();
    for (var range : ranges.strip().split(" +")) {
      int dash = range.indexOf('-');
      int first = Integer.parseInt(dash < 0 ? range : range.substring(0, dash), 16);
      int last = Integer.parseInt(range.substring(dash + 1), 16);
      set.set(first, last + 1);
    }
    return set;
  }

  /// The same ranges as the inside of a character class of a regular expression.
  static String members(String ranges) {
    var members = new StringBuilder();
    for (var range : ranges.strip().split(" +")) {
      int dash = range.indexOf('-');
      if (dash >= 0) {
        members.append("\\x{").append(range, 0, dash).append("}-");
      }
      members.append("\\x{").append(range, dash + 1, range.length()).append('}');
    }
    return members.toString();
  }
}
