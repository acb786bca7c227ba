package dev.deepstack.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

/// What a text file may look like. Works on strings, so that its own tests can plant violations.
final class Tidy {
  static final int LINES_MAX = 400;
  static final int COLUMNS_MAX = 120;
  static final int METHOD_LINES_MAX = 70;

  /// Files that may be longer: the op set is one page by design, and so is the instruction set of an emitter.
  private static final Set<String> LONG_FILES = Set.of(
      "ir/src/main/java/dev/deepstack/ir/Op.java",
      "codegen/src/main/java/dev/deepstack/codegen/llvm/Fn.java");

  /// Words that say something about how work was done instead of what the code does, and hosts that a build
  /// finds by itself. In pieces, so that this file passes.
  private static final Map<String, Pattern> BANNED = Map.ofEntries(
      banned("\\bag" + "ents?\\b"),
      banned("\\bTO" + "DO\\b"),
      banned("\\bFIX" + "ME\\b"),
      banned("/wo" + "rk/"),
      banned("\\.lib" + "rary\\b"),
      banned("repo\\d?\\.maven(\\.apache)?\\.or" + "g"),
      banned("pypi\\.or" + "g|pythonhosted\\.or" + "g"),
      banned("npmjs\\.(or" + "g|com)"),
      banned("crates\\.i" + "o"),
      banned("proxy\\.golan" + "g"),
      banned("anaconda\\.or" + "g"),
      banned("deb\\.debian\\.or" + "g"));

  /// ONNX Runtime calls its main class so, and recordings a chain of calls; nobody else may.
  private static final Pattern RUNTIME_WORD = Pattern.compile("\\bses" + "sions?\\b", Pattern.CASE_INSENSITIVE);

  private Tidy() {}

  /// Prints what is wrong in this checkout: `java conformance/src/test/java/dev/deepstack/conformance/Tidy.java`.
  public static void main(String[] args) {
    var problems = all();
    problems.forEach(System.out::println);
    System.exit(problems.isEmpty() ? 0 : 1);
  }

  /// Everything wrong in this checkout.
  static List<String> all() {
    return Checkout.texts().stream().flatMap(path -> problems(path, Checkout.read(path)).stream()).toList();
  }

  /// Everything wrong with a file, one sentence each.
  static List<String> problems(String path, String text) {
    var problems = new ArrayList<String>();
    var lines = text.lines().toList();
    if (path.endsWith(".java")) {
      if (lines.size() > LINES_MAX && !LONG_FILES.contains(path)) {
        problems.add(path + " has " + lines.size() + " lines, more than " + LINES_MAX + ": split it by topic");
      }
      for (var method : Methods.in(text)) {
        if (method.lines() > METHOD_LINES_MAX && !method.isTable()) {
          problems.add(path + ":" + method.line() + " is a method of " + method.lines() + " lines, more than "
              + METHOD_LINES_MAX);
        }
      }
    }
    for (int i = 0; i < lines.size(); i++) {
      var line = lines.get(i);
      var where = path + ":" + (i + 1);
      if (path.endsWith(".java") && line.codePointCount(0, line.length()) > COLUMNS_MAX) {
        problems.add(where + " is wider than " + COLUMNS_MAX + " columns");
      }
      if (line.indexOf('\t') >= 0 && path.endsWith(".java")) {
        problems.add(where + " has a tab");
      }
      if (!path.startsWith("bench/") && !path.contains("/verify/") && RUNTIME_WORD.matcher(line).find()) {
        problems.add(where + " says " + RUNTIME_WORD);
      }
      BANNED.forEach((name, pattern) -> {
        if (pattern.matcher(line).find()) {
          problems.add(where + " says " + name);
        }
      });
    }
    return problems;
  }

  private static Map.Entry<String, Pattern> banned(String regex) {
    return Map.entry(regex, Pattern.compile(regex, Pattern.CASE_INSENSITIVE));
  }
}
