package dev.deepstack.text;

import java.util.HashMap;
import java.util.Map;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Finds added tokens in a text: at each place the longest, from left to right.
final class AddedTokenMatcher {
  /// Receives the parts of a text in order.
  interface Parts {
    void text(String part);

    void token(int id);
  }

  private static final class Node {
    private final Map<Character, Node> next = new HashMap<>();
    private @Nullable AddedToken token;
  }

  private static final Pattern WORD =
      Pattern.compile("[\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{IsJoin_Control}]");

  private final Node root = new Node();

  /// Looks for each token as `spelling` writes it.
  AddedTokenMatcher(Iterable<AddedToken> tokens, Function<String, String> spelling) {
    for (var token : tokens) {
      var node = root;
      var content = spelling.apply(token.content());
      for (int i = 0; i < content.length(); i++) {
        node = node.next.computeIfAbsent(content.charAt(i), _ -> new Node());
      }
      if (node != root) {
        node.token = token;
      }
    }
  }

  void split(String text, EncodeOptions.SpecialText specialText, Parts parts) {
    int done = 0;
    for (int at = 0; at < text.length(); ) {
      var match = longest(text, at);
      if (match == null) {
        at++;
        continue;
      }
      var token = match.token;
      int start = at;
      int end = match.end;
      at = end;
      boolean plain = token.special() && specialText == EncodeOptions.SpecialText.PLAIN;
      if (plain || (token.singleWord() && touchesWord(text, start, end))) {
        continue;
      }
      start = token.stripsLeft() ? Math.max(done, leftOfSpace(text, start)) : start;
      end = token.stripsRight() ? rightOfSpace(text, end) : end;
      if (done < start) {
        parts.text(text.substring(done, start));
      }
      parts.token(token.id());
      done = end;
    }
    if (done < text.length()) {
      parts.text(text.substring(done));
    }
  }

  private record Match(AddedToken token, int end) {}

  private @Nullable Match longest(String text, int start) {
    Match best = null;
    var node = root.next.get(text.charAt(start));
    for (int at = start + 1; node != null; at++) {
      if (node.token != null) {
        best = new Match(node.token, at);
      }
      node = at < text.length() ? node.next.get(text.charAt(at)) : null;
    }
    return best;
  }

  private static boolean touchesWord(String text, int start, int end) {
    int before = start == 0 ? 0 : text.offsetByCodePoints(start, -1);
    return WORD.matcher(text).region(before, start).lookingAt()
        || WORD.matcher(text).region(end, text.length()).lookingAt();
  }

  private static int leftOfSpace(String text, int end) {
    int at = end;
    while (at > 0 && isSpace(text.charAt(at - 1))) {
      at--;
    }
    return at;
  }

  private static int rightOfSpace(String text, int start) {
    int at = start;
    while (at < text.length() && isSpace(text.charAt(at))) {
      at++;
    }
    return at;
  }

  /// Unicode's White_Space, all of it in the basic plane.
  private static boolean isSpace(char c) {
    return (c >= '\t' && c <= '\r') || c == 0x85 || Character.isSpaceChar(c);
  }
}
