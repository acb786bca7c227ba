package dev.deepstack.conformance;

import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.importer.pt2.Node;
import dev.deepstack.importer.pt2.Pt2Archive;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/// Writes `docs/ops.md`: operator by operator whether it is imported, and how many recorded programs that run have it.
final class OpsDocument {
  private static final Path FIXTURES = Checkout.ROOT.resolve("conformance/fixtures");
  private static final Path NAMES = Checkout.ROOT.resolve("importer/src/test/resources/golden/import/operators.txt");

  private final Set<String> names;
  private final Map<String, Integer> recorded = new TreeMap<>();
  private final int programs;
  private int whole;

  private OpsDocument() throws IOException {
    names = new HashSet<>(Files.readAllLines(NAMES));
    try (Stream<Path> files = Files.walk(FIXTURES)) {
      List<Path> all = files.filter(f -> f.getFileName().toString().matches("model.*\\.pt2")).sorted().toList();
      programs = all.size();
      all.forEach(this::count);
    }
  }

  static String text() throws IOException {
    return new OpsDocument().write();
  }

  /// Only programs that are imported whole say something about what runs.
  private void count(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      Pt2Importer.read(file, arena);
      whole++;
      List<Node> nodes = Pt2Archive.open(file, arena).program().graph().nodes();
      nodes.stream().map(n -> n.target().replace("torch.ops.", "")).distinct().filter(t -> t.startsWith("aten."))
          .forEach(t -> recorded.merge(t, 1, Integer::sum));
    } catch (UnsupportedModelException e) {
      return;
    }
  }

  /// As the importer looks names up: with the overload, without, and as the operator that an in-place form applies.
  private boolean isImported(String operator) {
    int dot = operator.lastIndexOf('.');
    String packet = operator.substring(0, dot);
    String overload = operator.substring(dot);
    String functional = packet.contains(".__i") ? packet.replace(".__i", ".__")
        : packet.endsWith("_") && !packet.endsWith("__") ? packet.substring(0, packet.length() - 1) : packet;
    return !overload.equals(".out") && Stream.of(operator, packet, functional, functional + overload)
        .anyMatch(names::contains);
  }

  private static String reason(String operator) {
    if (operator.contains("backward")) {
      return "training";
    }
    if (operator.endsWith(".out")) {
      return "no export has it";
    }
    String name = operator.substring("aten.".length(), operator.lastIndexOf('.'));
    return switch (name) {
      case "rand", "randn", "randperm", "native_dropout" -> "random numbers";
      case "resize_" -> "changes the storage under a tensor";
      default -> "not yet";
    };
  }

  private String write() throws IOException {
    var core = new TreeSet<>(Files.readAllLines(FIXTURES.resolve("core-aten.txt")));
    var others = new TreeSet<>(recorded.keySet());
    others.removeAll(core);
    long imported = core.stream().filter(this::isImported).count();
    long tested = core.stream().filter(recorded::containsKey).count();
    var text = new StringBuilder("""
        # Operators

        Written by `OpsDocument` from what the importer knows and what the recorded programs in `conformance/fixtures`
        hold; a test keeps it equal. What is imported becomes ops of the graph IR, and every one of those is interpreted
        and compiled: there is no operator that only one of the two engines runs. *Recorded* counts the programs with
        that operator which run on both engines against PyTorch's results; 0 means that nothing but its ops is tested.
        An operator may still be refused for some of its arguments; the importer then says which.

        ## Core ATen opset of PyTorch 2.14

        """);
    text.append("%d of %d overloads are imported, %d of them in recorded programs.\n\n".formatted(
        imported, core.size(), tested));
    text.append("Of %d recorded programs %d are imported whole, and run.\n\n".formatted(programs, whole));
    text.append("| Operator | Imported, interpreted, native | Recorded |\n|---|---|---|\n");
    core.forEach(o -> line(text, o));
    text.append("\n## Further operators in recorded programs\n\n");
    text.append("| Operator | Imported, interpreted, native | Recorded |\n|---|---|---|\n");
    others.forEach(o -> line(text, o));
    return text.toString();
  }

  private void line(StringBuilder text, String operator) {
    text.append("| `").append(operator).append("` | ").append(isImported(operator) ? "yes" : "no: " + reason(operator))
        .append(" | ").append(recorded.getOrDefault(operator, 0)).append(" |\n");
  }
}
