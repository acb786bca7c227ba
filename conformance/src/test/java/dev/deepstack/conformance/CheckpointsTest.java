package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.cli.verify.DecoderGolden;
import dev.deepstack.cli.verify.DecoderReference;
import dev.deepstack.cli.verify.DecoderReplay;
import dev.deepstack.cli.verify.DecoderReplay.Check;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.hf.HfImporter;
import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Verifier;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.models.graph.DecoderGraph.Options;
import dev.deepstack.tensor.DType;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;

/// Checkpoints of every family on the interpreter, against what transformers gave.
class CheckpointsTest {
  private static final Path FOLDER = Path.of("fixtures", "hf");

  @TestFactory
  Stream<DynamicTest> recordedLogits() throws IOException {
    return folders().stream().map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> replay(f)));
  }

  @TestFactory
  Stream<DynamicTest> graphsOfEveryCache() throws IOException {
    return folders().stream().map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> graphs(f)));
  }

  static List<Path> folders() throws IOException {
    try (Stream<Path> files = Files.list(FOLDER)) {
      return files.filter(f -> Files.exists(f.resolve(DecoderGolden.TENSORS))).sorted().toList();
    }
  }

  private static void replay(Path folder) {
    try (Arena arena = Arena.ofConfined()) {
      DecoderGolden golden = DecoderGolden.read(folder, arena);
      ImportedDecoder decoder = HfImporter.read(folder, arena);
      // Small pages, so that sequences have many.
      var options = new Options(DType.F32, 8);
      var engine = new DecoderReference(decoder, options, DecoderReplay.slots(golden, 8), arena);
      assertThat(new DecoderReplay(engine, golden, 8).run()).hasSizeGreaterThan(5).allMatch(Check::passed);
    }
  }

  private static void graphs(Path folder) {
    try (Arena arena = Arena.ofConfined()) {
      ImportedDecoder decoder = HfImporter.read(folder, arena);
      for (DType cache : List.of(DType.F32, DType.BF16, DType.F16, DType.I8)) {
        var graph = decoder.graph(new Options(cache, DecoderGraph.Options.DEFAULT.pageSlots()));
        Verifier.verify(graph);
        assertThat(GraphText.parse(graph.toString()).toString()).isEqualTo(graph.toString());
      }
    }
  }
}
