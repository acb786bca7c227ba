package dev.deepstack.codegen.llvm;

import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/// The generated IR is wrong: a bug of DeepStack. The message holds LLVM's complaint and the
/// lines around the fault.
public final class IllegalIrException extends RuntimeException {
  private static final long serialVersionUID = 1;
  private static final Pattern QUOTED_VALUE = Pattern.compile("%[\\w.$-]+");
  private static final int CONTEXT_LINES = 5;

  /// @param line the line of `ir` at fault, counted from 1, or 0 if only the complaint's text can
  /// tell
  IllegalIrException(String complaint, String ir, int line) {
    super(
        "LLVM rejects the code DeepStack generated (a bug in DeepStack): "
            + complaint.strip()
            + "\n"
            + excerpt(ir.lines().toList(), line > 0 ? line : find(complaint, ir.lines().toList())));
  }

  /// The verifier names no lines but quotes the instruction at fault.
  private static int find(String complaint, List<String> lines) {
    var quoted =
        complaint
            .lines()
            .map(String::strip)
            .filter(l -> l.startsWith("%") || l.startsWith("store"))
            .findFirst();
    for (int i = 0; quoted.isPresent() && i < lines.size(); i++) {
      var value = QUOTED_VALUE.matcher(quoted.get());
      if (value.find() && lines.get(i).strip().startsWith(value.group() + " =")) {
        return i + 1;
      }
    }
    return 1;
  }

  private static String excerpt(List<String> lines, int line) {
    int first = Math.max(0, line - 1 - CONTEXT_LINES);
    int last = Math.min(lines.size(), line + CONTEXT_LINES);
    return IntStream.range(first, last)
        .mapToObj(i -> (i == line - 1 ? "> " : "  ") + (i + 1) + ": " + lines.get(i))
        .collect(Collectors.joining("\n"));
  }
}
