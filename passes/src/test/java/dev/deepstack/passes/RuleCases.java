package dev.deepstack.passes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Verifier;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;

/// A file of rewrites, each a title, a graph before, and after `=>` the graph it becomes, or `=> stays`:
///
/// ```
/// # nothing added
/// %0 = input name="x" : f32[2]
/// ...
/// => stays
/// ```
///
/// `-Dgolden.update=true` writes what comes out, for review; titles that say `stay` must stay.
final class RuleCases {
  private record Case(String title, String symbols, String before, String after) {
    String graph(String body) {
      return "graph (" + symbols + ") {\n" + body + "}\n";
    }
  }

  private final Path file;
  private final UnaryOperator<Graph> rewrite;

  RuleCases(String name, UnaryOperator<Graph> rewrite) {
    this.file = Path.of("src", "test", "resources", "rules", name + ".ir");
    this.rewrite = rewrite;
  }

  Stream<DynamicTest> tests() {
    try {
      List<Case> cases = read(Files.readAllLines(file));
      if (Boolean.getBoolean("golden.update")) {
        Files.writeString(file, String.join("\n", cases.stream().map(this::written).toList()));
        cases = read(Files.readAllLines(file));
      }
      return cases.stream().map(c -> dynamicTest(c.title, () -> check(c)));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void check(Case c) {
    boolean stays = c.after.equals("stays");
    assertThat(stays).isEqualTo(c.title.contains("stay"));
    assertThat(body(rewritten(c))).isEqualTo(stays ? body(GraphText.parse(c.graph(c.before))) : c.after);
  }

  private Graph rewritten(Case c) {
    Graph after = rewrite.apply(GraphText.parse(c.graph(c.before)));
    Verifier.verify(after);
    return after;
  }

  private String written(Case c) {
    String after = body(rewritten(c));
    boolean stays = after.equals(body(GraphText.parse(c.graph(c.before))));
    String symbols = c.symbols.isEmpty() ? "" : "symbols " + c.symbols + "\n";
    String head = "# " + c.title + "\n" + symbols + c.before;
    return head + (stays ? "=> stays\n" : "=>\n" + after);
  }

  private static String body(Graph graph) {
    List<String> lines = graph.toString().lines().map(String::strip).toList();
    return String.join("\n", lines.subList(1, lines.size() - 1)) + "\n";
  }

  private static List<Case> read(List<String> lines) {
    var cases = new ArrayList<Case>();
    String title = "";
    String symbols = "";
    var before = new StringBuilder();
    StringBuilder after = null;
    for (String line : lines) {
      if (line.startsWith("# ")) {
        if (!before.isEmpty()) {
          cases.add(new Case(title, symbols, before.toString(), after == null ? "" : after.toString()));
        }
        title = line.substring(2);
        symbols = "";
        before = new StringBuilder();
        after = null;
      } else if (line.startsWith("symbols ")) {
        symbols = line.substring("symbols ".length());
      } else if (line.startsWith("=>")) {
        after = new StringBuilder(line.substring(2).strip());
      } else if (!line.isBlank()) {
        (after == null ? before : after).append(line.strip()).append('\n');
      }
    }
    cases.add(new Case(title, symbols, before.toString(), after == null ? "" : after.toString()));
    return cases;
  }
}
