package dev.deepstack.text;

import dev.deepstack.text.SplitBehavior.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// A pattern of `tokenizer.json`: an Oniguruma expression or a literal string.
record SplitPattern(Pattern pattern) {
  /// `\x{…}` as Oniguruma understands it; a pattern that we cannot express is refused, naming `where` it
  /// stands.
  static SplitPattern regex(String expression, String where) {
    try {
      int flags = Pattern.UNICODE_CHARACTER_CLASS | Pattern.MULTILINE | Pattern.UNIX_LINES;
      return new SplitPattern(Pattern.compile(OnigurumaSyntax.toJava(expression), flags));
    } catch (PatternSyntaxException e) {
      throw new TokenizerException(
          "%s: the pattern %s is not supported (%s)".formatted(where, expression, e.getDescription()), e);
    }
  }

  static SplitPattern literal(String text) {
    return new SplitPattern(Pattern.compile(text, Pattern.LITERAL));
  }

  /// The whole text as consecutive spans, each a match or the text between two.
  List<Span> spans(String text) {
    var spans = new ArrayList<Span>();
    int done = 0;
    try {
      for (var matcher = pattern.matcher(text); matcher.find(); ) {
        boolean emptyAfterMatch = matcher.start() == matcher.end() && matcher.end() == done;
        if (emptyAfterMatch) {
          continue;
        }
        if (done < matcher.start()) {
          spans.add(new Span(done, matcher.start(), false));
        }
        spans.add(new Span(matcher.start(), matcher.end(), true));
        done = matcher.end();
      }
    } catch (StackOverflowError e) {
      throw tooDeep(e);
    }
    if (done < text.length()) {
      spans.add(new Span(done, text.length(), false));
    }
    return spans;
  }

  String replaceAll(String text, String replacement) {
    try {
      return pattern.matcher(text).replaceAll(replacement);
    } catch (StackOverflowError e) {
      throw tooDeep(e);
    }
  }

  /// The JDK's matcher recurses per repetition of a group; such patterns have a limit on the length of the
  /// text.
  private TokenizerException tooDeep(StackOverflowError cause) {
    return new TokenizerException("the text is too long for the tokenizer's pattern " + pattern, cause);
  }
}
