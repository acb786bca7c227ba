package dev.deepstack.text;

/// Turns bytes into text as they come. Bytes that are not UTF-8 become U+FFFD, one per longest well-formed
/// prefix, as the Unicode standard recommends.
final class Utf8Text {
  private static final char REPLACEMENT = '\uFFFD';

  private int codePoint;
  private int missing;
  private int lowest;
  private int highest;

  /// Appends the characters that this byte completes.
  void add(int value, StringBuilder out) {
    if (missing > 0) {
      if (value >= lowest && value <= highest) {
        codePoint = codePoint << 6 | value & 0x3F;
        lowest = 0x80;
        highest = 0xBF;
        if (--missing == 0) {
          out.appendCodePoint(codePoint);
        }
        return;
      }
      missing = 0;
      out.append(REPLACEMENT);
    }
    first(value, out);
  }

  /// Ends the text: a character left half done becomes U+FFFD.
  void end(StringBuilder out) {
    if (missing > 0) {
      missing = 0;
      out.append(REPLACEMENT);
    }
  }

  private void first(int value, StringBuilder out) {
    if (value < 0x80) {
      out.append((char) value);
    } else if (value >= 0xC2 && value <= 0xDF) {
      expect(1, value & 0x1F, 0x80, 0xBF);
    } else if (value >= 0xE0 && value <= 0xEF) {
      expect(2, value & 0x0F, value == 0xE0 ? 0xA0 : 0x80, value == 0xED ? 0x9F : 0xBF);
    } else if (value >= 0xF0 && value <= 0xF4) {
      expect(3, value & 0x07, value == 0xF0 ? 0x90 : 0x80, value == 0xF4 ? 0x8F : 0xBF);
    } else {
      out.append(REPLACEMENT);
    }
  }

  private void expect(int bytes, int bits, int low, int high) {
    missing = bytes;
    codePoint = bits;
    lowest = low;
    highest = high;
  }
}
