package dev.deepstack.text;

import java.nio.charset.StandardCharsets;

/// The byte-level alphabet: one printable character stands for each byte, so that any text is made of known
/// symbols.
final class ByteAlphabet {
  /// Characters of the alphabet are below this.
  static final int LIMIT = 256 + 68;

  private static final char[] CHAR_OF_BYTE = new char[256];
  private static final short[] BYTE_OF_CHAR = new short[LIMIT];

  static {
    java.util.Arrays.fill(BYTE_OF_CHAR, (short) -1);
    int next = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= '!' && b <= '~') || (b >= 0xA1 && b <= 0xAC) || b >= 0xAE;
      CHAR_OF_BYTE[b] = (char) (printable ? b : next++);
      BYTE_OF_CHAR[CHAR_OF_BYTE[b]] = (short) b;
    }
  }

  private ByteAlphabet() {}

  /// The text's UTF-8 bytes, one character each.
  static String spell(String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    var spelled = new char[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      spelled[i] = CHAR_OF_BYTE[bytes[i] & 0xFF];
    }
    return new String(spelled);
  }

  /// The bytes that a token stands for: those it spells, or its own UTF-8 when one character is not of the
  /// alphabet.
  static byte[] bytes(String token) {
    var bytes = new byte[token.length()];
    for (int i = 0; i < bytes.length; i++) {
      char c = token.charAt(i);
      if (c >= LIMIT || BYTE_OF_CHAR[c] < 0) {
        return token.getBytes(StandardCharsets.UTF_8);
      }
      bytes[i] = (byte) BYTE_OF_CHAR[c];
    }
    return bytes;
  }
}
