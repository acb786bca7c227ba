package dev.deepstack.text;

import dev.deepstack.text.SplitBehavior.Span;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// A pattern of `tokenizer.json`: an Oniguruma expression or a literal string.
///
/// @param watched whether matching may take more than linear time, so that its steps are counted
record SplitPattern(Pattern pattern, boolean watched) {
  /// A repeated group or a reference to one: what makes backtracking explode.
  private static final Pattern RISKY = Pattern.compile("\\)[*+{]|\\\\[1-9k]");

  /// `\x{…}` as Oniguruma understands it; a pattern that we cannot express is refused, naming `where` it
  /// stands.
  static SplitPattern regex(String expression, String where) {
    try {
      int flags = Pattern.UNICODE_CHARACTER_CLASS | Pattern.MULTILINE | Pattern.UNIX_LINES;
      return new SplitPattern(
          Pattern.compile(OnigurumaSyntax.toJava(expression), flags), RISKY.matcher(expression).find());
    } catch (PatternSyntaxException e) {
      throw new TokenizerException(
          "%s: the pattern %s is not supported (%s)".formatted(where, expression, e.getDescription()), e);
    }
  }

  static SplitPattern literal(String text) {
    return new SplitPattern(Pattern.compile(text, Pattern.LITERAL), false);
  }

  /// The whole text as consecutive spans, each a match or the text between two.
  List<Span> spans(String text) {
    var spans = new ArrayList<Span>();
    int done = 0;
    try {
      for (var matcher = pattern.matcher(watch(text)); matcher.find(); ) {
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
      return pattern.matcher(watch(text)).replaceAll(replacement);
    } catch (StackOverflowError e) {
      throw tooDeep(e);
    }
  }

  private CharSequence watch(String text) {
    return watched ? new Watched(text, pattern, new long[] {1_000_000 + 200L * text.length()}) : text;
  }

  /// A text that may be looked at so many times.
  private record Watched(String text, Pattern pattern, long[] left) implements CharSequence {
    @Override
    public char charAt(int index) {
      if (--left[0] < 0) {
        throw new TokenizerException("the tokenizer's pattern %s takes too long on this text".formatted(pattern));
      }
      return text.charAt(index);
    }

    @Override
    public int length() {
      return text.length();
    }

    @Override
    public CharSequence subSequence(int start, int end) {
      return text.substring(start, end);
    }

    @Override
    public String toString() {
      return text;
    }
  }

  /// The JDK's matcher recurses per repetition of a group; such patterns have a limit on the length of the
  /// text.
  private TokenizerException tooDeep(StackOverflowError cause) {
    return new TokenizerException("the text is too long for the tokenizer's pattern " + pattern, cause);
  }
}
