package dev.deepstack.text;

import java.util.Map;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Translates Oniguruma's regular expressions (Ruby syntax, Unicode text) to the JDK's.
/// One difference stays: without regard to case, Oniguruma lets `ss` match `ß`, and the JDK does not.
/// To be compiled with `UNICODE_CHARACTER_CLASS`, `MULTILINE` (always on in Ruby) and `UNIX_LINES`.
final class OnigurumaSyntax {
  private static final String WORD = "\\p{IsAlphabetic}\\p{M}\\p{Nd}\\p{Pc}";

  /// Outside of a character class Oniguruma's `\w` also has the superscripts and fractions of Latin-1.
  private static final String LONE_WORD = "[" + WORD + "\\xB2\\xB3\\xB9\\xBC-\\xBE]";

  private static final Pattern INTERVAL = Pattern.compile("\\{(\\d*)(,?)(\\d*)}");
  private static final Pattern POSIX = Pattern.compile("\\[:(\\^?)([a-z]+):]");
  private static final Pattern PROPERTY = Pattern.compile("\\{(\\^?)([A-Za-z_ ]+)}");
  private static final Map<String, String> PROPERTIES = Map.ofEntries(
      Map.entry("alpha", "IsAlphabetic"), Map.entry("alphabetic", "IsAlphabetic"), Map.entry("digit", "Nd"),
      Map.entry("space", "IsWhite_Space"), Map.entry("whitespace", "IsWhite_Space"),
      Map.entry("upper", "IsUppercase"), Map.entry("lower", "IsLowercase"), Map.entry("letter", "L"),
      Map.entry("mark", "M"), Map.entry("number", "N"), Map.entry("symbol", "S"), Map.entry("separator", "Z"),
      Map.entry("punctuation", "P"), Map.entry("cntrl", "Cc"));

  private final String source;
  private final StringBuilder out = new StringBuilder();
  private int at;
  private int classDepth;

  private OnigurumaSyntax(String source) {
    this.source = source;
  }

  static String toJava(String expression) {
    return new OnigurumaSyntax(expression).translate();
  }

  private String translate() {
    while (at < source.length()) {
      char c = source.charAt(at);
      switch (c) {
        case '\\' -> escape();
        case '[' -> openClass();
        case ']' -> {
          classDepth = Math.max(0, classDepth - 1);
          copy(1);
        }
        case '(' -> group();
        case '{' -> brace();
        case '}' -> replace(1, classDepth > 0 ? "}" : "\\}");
        default -> copy(1);
      }
    }
    return out.toString();
  }

  private void copy(int length) {
    out.append(source, at, at + length);
    at += length;
  }

  private void replace(int length, String with) {
    out.append(with);
    at += length;
  }

  private PatternSyntaxException unsupported(String what) {
    return new PatternSyntaxException(what + " has no translation", source, at);
  }

  private void escape() {
    if (at + 1 == source.length()) {
      throw new PatternSyntaxException("it ends in a backslash", source, at);
    }
    char c = source.charAt(at + 1);
    switch (c) {
      case 's' -> replace(2, "\\p{IsWhite_Space}");
      case 'S' -> replace(2, "\\P{IsWhite_Space}");
      case 'd' -> replace(2, "\\p{Nd}");
      case 'D' -> replace(2, "\\P{Nd}");
      case 'w' -> replace(2, classDepth > 0 ? WORD : LONE_WORD);
      case 'W' -> replace(2, negated("\\W", LONE_WORD));
      case 'h' -> replace(2, classDepth > 0 ? "0-9a-fA-F" : "[0-9a-fA-F]");
      case 'H' -> replace(2, negated("\\H", "0-9a-fA-F"));
      case 'v' -> replace(2, "\\x0B");
      case 'p', 'P' -> property(c == 'P');
      case 'x' -> copy(source.startsWith("{", at + 2) ? braced(at + 2) - at : 2);
      case 'n', 'r', 't', 'f', 'e', 'a', 'u', 'b', 'B', 'A', 'z', 'Z', 'G', 'R', 'X', 'k' -> copy(2);
      default -> {
        if (Character.isLetter(c)) {
          throw unsupported("\\" + c);
        }
        copy(2);
      }
    }
  }

  /// The end of the `{…}` that starts here.
  private int braced(int start) {
    int end = source.indexOf('}', start);
    if (end < 0) {
      throw new PatternSyntaxException("a brace is not closed", source, start);
    }
    return end + 1;
  }

  private String negated(String name, String members) {
    if (classDepth > 0) {
      throw unsupported(name + " inside a character class");
    }
    return "[^" + members + "]";
  }

  private void property(boolean negative) {
    var matcher = PROPERTY.matcher(source).region(at + 2, source.length());
    if (!matcher.lookingAt()) {
      throw unsupported("\\p without a plain {name}");
    }
    boolean inverted = negative != !matcher.group(1).isEmpty();
    replace(matcher.end() - at, propertyAtom(matcher.group(2), inverted));
  }

  private static String propertyAtom(String name, boolean inverted) {
    var known = PROPERTIES.get(name.toLowerCase(java.util.Locale.ROOT));
    var javaName = known != null ? known : name.length() <= 2 ? name : "Is" + name;
    return (inverted ? "\\P{" : "\\p{") + javaName + "}";
  }

  private void openClass() {
    var posix = POSIX.matcher(source).region(at, source.length());
    if (classDepth > 0 && posix.lookingAt()) {
      if (!PROPERTIES.containsKey(posix.group(2))) {
        throw unsupported(posix.group());
      }
      replace(posix.end() - at, propertyAtom(posix.group(2), !posix.group(1).isEmpty()));
      return;
    }
    classDepth++;
    copy(source.startsWith("[^", at) ? 2 : 1);
  }

  /// Option letters differ: Ruby's `m` (the dot matches a newline) is the JDK's `s`.
  private void group() {
    if (classDepth > 0 || !source.startsWith("(?", at)) {
      copy(1);
      return;
    }
    if (source.startsWith("(?~", at)) {
      throw unsupported("(?~");
    }
    copy(2);
    for (; at < source.length() && "imx-".indexOf(source.charAt(at)) >= 0; at++) {
      char option = source.charAt(at);
      out.append(option == 'm' ? 's' : option);
    }
  }

  private void brace() {
    var interval = INTERVAL.matcher(source).region(at, source.length());
    boolean counts = classDepth == 0 && interval.lookingAt()
        && !(interval.group(1).isEmpty() && interval.group(3).isEmpty());
    if (!counts) {
      replace(1, classDepth > 0 ? "{" : "\\{");
      return;
    }
    if (interval.end() < source.length() && source.charAt(interval.end()) == '+') {
      throw unsupported("a repeated interval {…}+");
    }
    var lower = interval.group(1).isEmpty() ? "0" : interval.group(1);
    replace(interval.end() - at, "{" + lower + interval.group(2) + interval.group(3) + "}");
  }
}
