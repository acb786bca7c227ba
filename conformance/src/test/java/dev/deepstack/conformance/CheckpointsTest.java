package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.cli.Main;
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
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/// Checkpoints of every family on both engines, against what transformers gave.
class CheckpointsTest {
  private static final Path FOLDER = Path.of("fixtures", "hf");

  @TestFactory
  Stream<DynamicTest> recordedLogits() throws IOException {
    return folders().stream().map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> replay(f)));
  }

  @TestFactory
  Stream<DynamicTest> recordedLogitsInMachineCode() throws IOException {
    return folders().stream().map(f -> DynamicTest.dynamicTest(f.getFileName().toString(), () -> {
      var out = new StringWriter();
      int code = Main.execute(new PrintWriter(out), new PrintWriter(out, true),
          new String[] {"verify", "--no-cache", f.toString()});
      assertThat(code).as(out.toString()).isZero();
      assertThat(out.toString()).contains("token by token: largest error", "greedy continuation of 24 tokens");
    }));
  }

  @Test
  void noticesWhatChanged(@TempDir Path folder) throws IOException {
    for (String file : new String[] {"config.json", "model.safetensors", "golden.safetensors", "golden.json"}) {
      Files.copy(FOLDER.resolve("qwen3").resolve(file), folder.resolve(file));
    }
    String config = Files.readString(folder.resolve("config.json"));
    Files.writeString(folder.resolve("config.json"), config.replace("1e-06", "0.5"));
    var out = new StringWriter();
    int code = Main.execute(new PrintWriter(out), new PrintWriter(out, true),
        new String[] {"verify", "--no-cache", folder.toString()});
    assertThat(code).isEqualTo(1);
    assertThat(out.toString()).contains("out of tolerance", "prompt in one piece: largest error");
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
      ImportedDecoder decoder = HfImporter.read(folder, arena).forContext(golden.tokens());
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
