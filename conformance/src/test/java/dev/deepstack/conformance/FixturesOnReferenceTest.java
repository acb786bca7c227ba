package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.cli.verify.Recording;
import dev.deepstack.cli.verify.ReferenceEngine;
import dev.deepstack.cli.verify.Replay;
import dev.deepstack.cli.verify.Replay.StepReport;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Verifier;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Every recorded call of every fixture that can be imported, on the interpreter, against what PyTorch gave.
class FixturesOnReferenceTest {
  private static final Path FIXTURES = Path.of("fixtures");

  /// What the opset cannot express yet; the importer says so.
  private static final Set<String> UNSUPPORTED = Set.of(
      "ops_rare");

  @TestFactory
  Stream<DynamicTest> recordedCalls() throws IOException {
    return files().stream()
        .filter(f -> !UNSUPPORTED.contains(model(f)))
        .map(f -> DynamicTest.dynamicTest(model(f) + "/" + f.getFileName(), () -> replay(f)));
  }

  @TestFactory
  Stream<DynamicTest> importedGraphs() throws IOException {
    return files().stream()
        .filter(f -> !UNSUPPORTED.contains(model(f)))
        .map(f -> DynamicTest.dynamicTest(model(f) + "/" + f.getFileName(), () -> roundTrip(f)));
  }

  private static String model(Path file) {
    return file.getName(file.getNameCount() - 2).toString();
  }

  private static List<Path> files() throws IOException {
    try (Stream<Path> files = Files.walk(FIXTURES, 3)) {
      return files.filter(f -> f.toString().endsWith(".pt2")).sorted().toList();
    }
  }

  private static void replay(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      var model = Pt2Importer.read(file, arena);
      var recording = Recording.read(file.resolveSibling("manifest.json").getParent(), arena);
      List<StepReport> reports = new Replay(model, recording).run(new ReferenceEngine(model, arena));
      assertThat(reports).isNotEmpty().allMatch(StepReport::passed);
    }
  }

  private static void roundTrip(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      var graph = Pt2Importer.read(file, arena).graph();
      Verifier.verify(graph);
      String text = GraphText.print(graph);
      assertThat(GraphText.print(GraphText.parse(text))).isEqualTo(text);
    }
  }
}
