package dev.deepstack.text.template;

import dev.deepstack.text.template.Token.Kind;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;

/// Cuts a template into tokens, with white space handled as transformers sets Jinja up: the newline after a
/// block is dropped (`trim_blocks`), so is the indentation before one (`lstrip_blocks`), and one newline at the end.
final class Lexer {
  private static final Pattern NUMBER = Pattern.compile(
      "0[xX](_?[0-9a-fA-F])+|0[bB](_?[01])+|0[oO](_?[0-7])+"
      + "|\\d+(_\\d+)*((\\.\\d+(_\\d+)*)?[eE][+-]?\\d+(_\\d+)*|\\.\\d+(_\\d+)*)?");
  private static final Pattern RAW_BEGIN = Pattern.compile("\\{%[-+]?\\s*raw\\s*(-%}\\s*|\\+?%})");
  private static final Pattern RAW_END = Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(\\+%}|-%}\\s*|%}\\n?)");
  private static final Set<String> LONG_OPERATORS = Set.of("//", "**", "==", "!=", ">=", "<=");
  private static final int MAX_DIGITS = 1000;
  private static final String SHORT_OPERATORS = "+-/*%~[](){}><=.:|,;";

  private final String name;
  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;
  private boolean startsLine = true;

  private Lexer(String name, String source) {
    this.name = name;
    this.source = source;
  }

  static List<Token> tokens(String name, String source) {
    var normalized = source.replace("\r\n", "\n").replace('\r', '\n');
    if (normalized.endsWith("\n")) {
      normalized = normalized.substring(0, normalized.length() - 1);
    }
    var lexer = new Lexer(name, normalized);
    lexer.run();
    return lexer.tokens;
  }

  private TemplateException broken(String problem) {
    return new TemplateException("%s line %d: %s".formatted(name, line, problem));
  }

  private void add(Kind kind, String text) {
    tokens.add(new Token(kind, text, line));
  }

  private void run() {
    while (at < source.length()) {
      int tag = nextTag();
      if (tag < 0) {
        add(Kind.DATA, source.substring(at));
        at = source.length();
        break;
      }
      data(tag);
      switch (source.charAt(tag + 1)) {
        case '#' -> comment();
        case '{' -> tag(Kind.PRINT_BEGIN, Kind.PRINT_END, "}}");
        default -> {
          var raw = RAW_BEGIN.matcher(source).region(at, source.length());
          if (raw.lookingAt()) {
            raw(raw.end());
          } else {
            tag(Kind.BLOCK_BEGIN, Kind.BLOCK_END, "%}");
          }
        }
      }
    }
    add(Kind.END, "");
  }

  private int nextTag() {
    for (int i = source.indexOf('{', at); i >= 0 && i + 1 < source.length(); i = source.indexOf('{', i + 1)) {
      if ("{%#".indexOf(source.charAt(i + 1)) >= 0) {
        return i;
      }
    }
    return -1;
  }

  /// The text up to a tag, less what the tag strips.
  private void data(int tag) {
    var text = source.substring(at, tag);
    char sign = tag + 2 < source.length() ? source.charAt(tag + 2) : ' ';
    var kept = text;
    if (sign == '-') {
      kept = Spaces.stripRight(text);
    } else if (sign != '+' && source.charAt(tag + 1) != '{') {
      kept = withoutIndentation(text);
    }
    if (!kept.isEmpty()) {
      add(Kind.DATA, kept);
    }
    advance(tag);
  }

  /// The text from here up to a tag, less the white space before the tag if the line has nothing else.
  private String withoutIndentation(String text) {
    int lineStart = text.lastIndexOf('\n') + 1;
    boolean indents = (lineStart > 0 || startsLine) && Spaces.isBlank(text.substring(lineStart));
    return indents ? text.substring(0, lineStart) : text;
  }

  private void advance(int to) {
    for (; at < to; at++) {
      if (source.charAt(at) == '\n') {
        line++;
      }
    }
    startsLine = at > 0 && source.charAt(at - 1) == '\n';
  }

  private void comment() {
    int body = at + 2 < source.length() && "+-".indexOf(source.charAt(at + 2)) >= 0 ? at + 3 : at + 2;
    int end = source.indexOf("#}", body);
    if (end < 0) {
      throw broken("a comment is not closed");
    }
    advance(afterTag(end > body ? source.charAt(end - 1) : ' ', end + 2));
  }

  private void raw(int bodyStart) {
    advance(bodyStart);
    var end = RAW_END.matcher(source).region(at, source.length());
    if (!end.find()) {
      throw broken("a raw block is not closed");
    }
    var body = source.substring(at, end.start());
    if (end.group(1).equals("-")) {
      body = Spaces.stripRight(body);
    } else if (end.group(1).isEmpty()) {
      body = withoutIndentation(body);
    }
    if (!body.isEmpty()) {
      add(Kind.DATA, body);
    }
    advance(end.end());
  }

  /// Where the text goes on after a block or comment that ends here with that sign.
  private int afterTag(char sign, int end) {
    if (sign == '-') {
      int next = end;
      while (next < source.length() && Spaces.isSpace(source.charAt(next))) {
        next++;
      }
      return next;
    }
    return sign != '+' && end < source.length() && source.charAt(end) == '\n' ? end + 1 : end;
  }

  private void tag(Kind begin, Kind end, String mark) {
    boolean signed = at + 2 < source.length() && "+-".indexOf(source.charAt(at + 2)) >= 0;
    add(begin, "");
    advance(at + (signed ? 3 : 2));
    int open = 0;
    while (true) {
      while (at < source.length() && Spaces.isSpace(source.charAt(at))) {
        advance(at + 1);
      }
      if (at >= source.length()) {
        throw broken("a tag is not closed by '" + mark + "'");
      }
      if (open == 0) {
        boolean signedEnd = source.startsWith("-" + mark, at)
            || (begin == Kind.BLOCK_BEGIN && source.startsWith("+" + mark, at));
        if (signedEnd || source.startsWith(mark, at)) {
          char sign = signedEnd ? source.charAt(at) : ' ';
          add(end, "");
          int after = at + (signedEnd ? 3 : 2);
          advance(begin == Kind.BLOCK_BEGIN || signedEnd ? afterTag(sign, after) : after);
          return;
        }
      }
      open += token();
    }
  }

  /// Reads one token; returns by how much it opens brackets.
  private int token() {
    char c = source.charAt(at);
    if (c == '\'' || c == '"') {
      string(c);
      return 0;
    }
    if (Character.isUnicodeIdentifierStart(c) || c == '_') {
      int end = at + 1;
      while (end < source.length() && Character.isUnicodeIdentifierPart(source.charAt(end))) {
        end++;
      }
      add(Kind.NAME, source.substring(at, end));
      advance(end);
      return 0;
    }
    if (c >= '0' && c <= '9') {
      number();
      return 0;
    }
    if (at + 1 < source.length() && LONG_OPERATORS.contains(source.substring(at, at + 2))) {
      add(Kind.OPERATOR, source.substring(at, at + 2));
      advance(at + 2);
      return 0;
    }
    if (SHORT_OPERATORS.indexOf(c) < 0) {
      throw broken("there is an unexpected character '" + c + "'");
    }
    add(Kind.OPERATOR, String.valueOf(c));
    advance(at + 1);
    return "([{".indexOf(c) >= 0 ? 1 : ")]}".indexOf(c) >= 0 ? -1 : 0;
  }

  private void number() {
    var number = NUMBER.matcher(source).region(at, source.length());
    if (!number.lookingAt()) {
      throw broken("a number is malformed");
    }
    var digits = number.group().replace("_", "");
    if (digits.length() > MAX_DIGITS) {
      throw broken("a number has more than %d digits".formatted(MAX_DIGITS));
    }
    boolean whole = (digits.length() > 1 && Character.isLetter(digits.charAt(1)) && digits.charAt(1) != 'e'
        && digits.charAt(1) != 'E') || digits.chars().noneMatch(c -> ".eE".indexOf(c) >= 0);
    add(whole ? Kind.INTEGER : Kind.FLOAT, digits);
    advance(number.end());
  }

  private void string(char quote) {
    int end = at + 1;
    while (end < source.length() && source.charAt(end) != quote) {
      end += source.charAt(end) == '\\' ? 2 : 1;
    }
    if (end >= source.length()) {
      throw broken("a string is not closed");
    }
    var body = source.substring(at + 1, end);
    add(Kind.STRING, body.indexOf('\\') < 0 ? body : unescaped(body));
    advance(end + 1);
  }

  /// Python's escapes; an unknown one stands for itself.
  private String unescaped(String body) {
    var text = new StringBuilder();
    for (int i = 0; i < body.length(); i++) {
      char c = body.charAt(i);
      if (c != '\\') {
        text.append(c);
        continue;
      }
      c = body.charAt(++i);
      int digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
      int simple = "abfnrtv\\'\"".indexOf(c);
      if (digits > 0) {
        text.appendCodePoint(hex(body, i + 1, digits));
        i += digits;
      } else if (simple >= 0) {
        text.append("\u0007\b\f\n\r\t\u000b\\'\"".charAt(simple));
      } else if (c >= '0' && c <= '7') {
        int end = i + 1;
        while (end < body.length() && end < i + 3 && body.charAt(end) >= '0' && body.charAt(end) <= '7') {
          end++;
        }
        text.append((char) Integer.parseInt(body, i, end, 8));
        i = end - 1;
      } else if (c != '\n') {
        text.append('\\').append(c);
      }
    }
    return text.toString();
  }

  private int hex(String body, int start, int digits) {
    try {
      int value = Integer.parseUnsignedInt(body.substring(start, Math.min(body.length(), start + digits)), 16);
      if (start + digits <= body.length() && Character.isValidCodePoint(value)) {
        return value;
      }
    } catch (NumberFormatException _) {
      // Falls through to the same message.
    }
    throw broken("a string has a broken escape");
  }
}
