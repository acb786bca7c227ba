package dev.deepstack.conformance;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.regex.Pattern;

/// Finds methods in Java source by their braces; good enough to measure them.
final class Methods {
  private static final Pattern HEADER = Pattern.compile("(?s).*\\)\\s*(throws\\s+[\\w.,\\s]+)?\\s*");
  private static final Pattern NO_METHOD =
      Pattern.compile("\\b(if|for|while|switch|catch|synchronized|try|return|new|do|record|class|enum)\\b|->");
  private static final Pattern TABLE = Pattern.compile("\\s*(return\\s+)?switch\\b(?s:.*)");

  /// A method body: where it starts, how long it is, and whether it is one big switch, which may be long.
  record Method(int line, int lines, boolean isTable) {}

  private record Open(int start, int line, int parens, boolean isMethod) {}

  private final String code;
  private final List<Method> found = new ArrayList<>();
  private final Deque<Open> open = new ArrayDeque<>();
  private int statement;
  private int parens;
  private int line = 1;

  private Methods(String code) {
    this.code = code;
  }

  static List<Method> in(String source) {
    var methods = new Methods(withoutText(source));
    methods.scan();
    return methods.found;
  }

  private void scan() {
    for (int i = 0; i < code.length(); i++) {
      switch (code.charAt(i)) {
        case '\n' -> line++;
        case '(' -> parens++;
        case ')' -> parens--;
        case ';' -> statement = parens == 0 ? i + 1 : statement;
        case '{' -> opened(i);
        case '}' -> closed(i);
        default -> { }
      }
    }
  }

  private void opened(int at) {
    var before = code.substring(statement, at);
    boolean isMethod = parens == 0 && HEADER.matcher(before).matches() && !NO_METHOD.matcher(before).find();
    open.push(new Open(at, line, parens, isMethod));
    parens = 0;
    statement = at + 1;
  }

  private void closed(int at) {
    if (open.isEmpty()) {
      return;
    }
    var block = open.pop();
    if (block.isMethod()) {
      boolean isTable = TABLE.matcher(code.substring(block.start() + 1, at)).matches();
      found.add(new Method(block.line(), line - block.line() + 1, isTable));
    }
    parens = block.parens();
    statement = at + 1;
  }

  /// The source with comments, strings and characters blanked, line ends kept.
  private static String withoutText(String source) {
    var blank = Pattern.compile(
        "(?s)//[^\\n]*|/\\*.*?\\*/|\"\"\".*?(?<!\\\\)\"\"\"|\"(?:\\\\.|[^\"\\\\\\n])*+\"|'(?:\\\\.|[^'\\\\\\n])+'");
    return blank.matcher(source).replaceAll(m -> m.group().replaceAll("[^\\n]", " "));
  }
}
