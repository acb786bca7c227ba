package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Verifier;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// What the documents say about the code is so.
final class DocumentsTest {
  private static final Pattern LINK = Pattern.compile("]\\(([^)#]+)[^)]*\\)");
  private static final Pattern BLOCK = Pattern.compile("(?m)^```(\\w*)\\n(.*?)^```$", Pattern.DOTALL);
  private static final Pattern ROW = Pattern.compile("(?m)^\\| ([a-z, ]+) \\| .* \\| ([^|]+) \\|$");
  private static final String EXAMPLES = "conformance/src/test/java/dev/deepstack/examples/ReadmeExamples.java";

  static Stream<String> documents() {
    return Checkout.texts().stream().filter(path -> path.endsWith(".md"));
  }

  @ParameterizedTest
  @MethodSource("documents")
  void linksLeadToFiles(String document) {
    var folder = Checkout.ROOT.resolve(document).getParent();
    var broken = LINK.matcher(Checkout.read(document)).results().map(m -> m.group(1))
        .filter(link -> !link.contains("://") && !Files.exists(folder.resolve(link))).toList();
    assertThat(broken).isEmpty();
  }

  @ParameterizedTest
  @MethodSource("documents")
  void graphsAreGraphs(String document) {
    for (String text : blocks(document, "")) {
      if (text.startsWith("graph (")) {
        var graph = GraphText.parse(text);
        Verifier.verify(graph);
        assertThat(graph).hasToString(text);
      }
    }
  }

  /// Line by line, since the examples are methods and the README shows what is in them.
  @Test
  void javaOfTheReadmeIsCompiled() {
    var compiled = Checkout.read(EXAMPLES).lines().map(String::strip).toList();
    var shown = blocks("README.md", "java");
    assertThat(shown).isNotEmpty();
    shown.forEach(block -> assertThat(compiled).containsAll(block.lines().map(String::strip).toList()));
  }

  @Test
  void theTableOfRoomsIsTheOneThatIsKept() {
    var architecture = Checkout.read("ARCHITECTURE.md");
    var table = architecture.substring(architecture.indexOf("## Rooms"), architecture.indexOf("## The three laws"));
    Map<String, Set<String>> rooms = new HashMap<>();
    ROW.matcher(table).results().forEach(row -> {
      var imports = new HashSet<String>(names(row.group(2).equals("–") ? "" : row.group(2)));
      names(row.group(1)).forEach(room -> rooms.put(room, imports));
    });
    assertThat(rooms).isEqualTo(Rooms.MAY_IMPORT);
  }

  private static List<String> names(String text) {
    return Arrays.stream(text.split(", ")).filter(name -> !name.isEmpty()).toList();
  }

  private static List<String> blocks(String document, String language) {
    var blocks = new ArrayList<String>();
    BLOCK.matcher(Checkout.read(document)).results().filter(m -> m.group(1).equals(language))
        .forEach(m -> blocks.add(m.group(2)));
    return blocks;
  }
}
