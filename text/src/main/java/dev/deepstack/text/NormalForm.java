package dev.deepstack.text;

import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.BitSet;

/// Unicode's normal forms as of Unicode 9, which is what Hugging Face `tokenizers` (0.23) normalizes by. The
/// JDK knows more characters; those that it would combine, reorder or take apart and Unicode 9 does not are
/// kept as they are, and what lies between them is normalized on its own.
final class NormalForm {
  private static final BitSet INERT = CodePoints.of(
      "7fd 897-89f 8ca-8d3 9fe c3c d3b-d3c eba 1715 1abf-1ace 1df6-1dfa 32ff a7f2-a7f4 a82c ab69 "
      + "105c9 105d2 105da 105e4 10781-10785 10787-107b0 107b2-107ba 10d24-10d27 10d69-10d6d "
      + "10eab-10eac 10efd-10eff 10f46-10f50 10f82-10f85 11070 1133b 11382-11385 1138b 1138e "
      + "11390-11391 113b8 113bb 113c2 113c5 113c7-113c9 113ce-113d0 1145e 11839-1183a 11930 11935 "
      + "11938 1193d-1193e 11943 119e0 11a34 11a47 11a99 11d42 11d44-11d45 11d97 11f41-11f42 "
      + "1611e-16129 1612f 16d63 16d67-16d6a 16ff0-16ff1 1ccd6-1ccf9 1e030-1e06d 1e08f 1e130-1e136 "
      + "1e2ae 1e2ec-1e2ef 1e4ec-1e4ef 1e5ee-1e5ef 1f16c 1fbf0-1fbf9");

  private static final char FIRST_INERT = 0x7FD;

  private NormalForm() {}

  static String apply(Form form, String text) {
    int at = nextInert(text, 0);
    if (at == text.length()) {
      return Normalizer.normalize(text, form);
    }
    var normalized = new StringBuilder(text.length());
    int done = 0;
    while (at < text.length()) {
      int end = at + Character.charCount(text.codePointAt(at));
      normalized.append(Normalizer.normalize(text.subSequence(done, at), form)).append(text, at, end);
      done = end;
      at = nextInert(text, end);
    }
    return normalized.append(Normalizer.normalize(text.substring(done), form)).toString();
  }

  private static int nextInert(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (text.charAt(i) >= FIRST_INERT && INERT.get(text.codePointAt(i))) {
        return i;
      }
    }
    return text.length();
  }
}
