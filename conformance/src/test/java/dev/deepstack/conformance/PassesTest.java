package dev.deepstack.conformance;

import static java.util.stream.Collectors.counting;
import static java.util.stream.Collectors.groupingBy;
import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.cli.verify.Recording;
import dev.deepstack.cli.verify.ReferenceEngine;
import dev.deepstack.cli.verify.Replay;
import dev.deepstack.cli.verify.Replay.StepReport;
import dev.deepstack.importer.ImportedModel;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// What the passes find in whole models, in every form they are exported in, and that the models still
/// compute what PyTorch recorded.
class PassesTest {
  private static final Path FIXTURES = Path.of("fixtures", "pt2");

  /// Two experts' scores are closer than the rounding of bfloat16: which one wins is chance.
  private static final String TIED = "moe_bf16";

  @ParameterizedTest
  @CsvSource(delimiter = ':', textBlock = """
      llama_kv               : attention=2 gated_mlp=2 rms_norm=5 rope=4
      llama_kv_decode        : attention=2 gated_mlp=2 rms_norm=5 rope=4
      moe_mla_dense          : attention=3 gated_mlp=3 rms_norm=13 rope=6 routed_experts=2
      moe_mla_gather         : attention=3 gated_mlp=3 rms_norm=13 rope=6 routed_experts=2
      moe_mla_grouped        : attention=3 gated_mlp=3 rms_norm=13 rope=6 routed_experts=2
      hf_llama               : attention=2 gated_mlp=2 rms_norm=5 rope=4
      hf_qwen3moe_grouped    : attention=2 rms_norm=9 rope=4 routed_experts=2
      hf_deepseek_v3_batched : attention=2 gated_mlp=2 rms_norm=9 routed_experts=1
      bert_tiny              : attention=2 gelu=2 layer_norm=5
      vit_tiny               : attention=2 convolution=1 gelu=2 layer_norm=5
      ../../../models/demo   : attention=6 gated_mlp=6 rms_norm=25 rope=12 routed_experts=5
      """)
  void finds(String model, String expected) throws IOException {
    for (Path file : files(FIXTURES.resolve(model))) {
      try (Arena arena = Arena.ofConfined()) {
        Graph graph = Pipeline.standard().run(Pt2Importer.read(file, arena).graph());
        assertThat(composites(graph)).as(file.toString()).isEqualTo(expected);
        // Nothing is left that would read all experts.
        assertThat(graph.ops(Op.GroupedMatMul.class)).isEmpty();
        assertThat(graph.ops(Op.Gather.class)).noneMatch(g -> g.x().type().rank() == 3);
      }
    }
  }

  /// Other ways to write experts: separate gate and up, biases, einsum, one-hot, 16-bit storage.
  @ParameterizedTest
  @ValueSource(strings = {"moe_bf16", "moe_dense_bmm", "moe_f16_stored", "moe_gather_bias",
      "moe_gather_einsum", "moe_grouped_inverse", "moe_top1_onehot"})
  void readsOnlyChosenExperts(String model) throws IOException {
    for (Path file : files(Path.of("fixtures", "more", model))) {
      try (Arena arena = Arena.ofConfined()) {
        Graph graph = Pipeline.standard().run(Pt2Importer.read(file, arena).graph());
        List<Value> stacks = graph.values().stream().filter(PassesTest::isStack).toList();
        assertThat(graph.ops(Op.RoutedLinear.class)).as(file.toString()).hasSizeBetween(2, 3);
        assertThat(graph.values()).as(file.toString())
            .filteredOn(v -> OpSchema.operands(v.op()).stream().anyMatch(stacks::contains))
            .allMatch(v -> v.op() instanceof Op.RoutedLinear || stacks.contains(v));
      }
    }
  }

  /// One matrix per expert, or a view of that.
  private static boolean isStack(Value v) {
    return switch (v.op()) {
      case Op.Weight w -> w.type().rank() == 3;
      case Op.View view -> isStack(view.x());
      case Op.Cast cast -> isStack(cast.x());
      default -> false;
    };
  }

  /// Those that stand for a part of a model; linear layers and softmax occur in varying numbers.
  private static String composites(Graph graph) {
    Map<String, Long> counts = graph.values().stream()
        .filter(v -> v.op() instanceof Op.Composite)
        .filter(v -> !(v.op() instanceof Op.Linear) && !(v.op() instanceof Op.Softmax))
        .collect(groupingBy(v -> OpSchema.name(v.op()), TreeMap::new, counting()));
    return String.join(" ", counts.entrySet().stream().map(Object::toString).toList());
  }

  @TestFactory
  Stream<DynamicTest> keepTheMeaning() throws IOException {
    return files(Path.of("fixtures")).stream()
        .filter(f -> !f.getParent().endsWith(TIED))
        .map(f -> DynamicTest.dynamicTest(f.toString(), () -> replay(f)));
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder, 3)) {
      return files.filter(f -> f.toString().endsWith(".pt2")).sorted().toList();
    }
  }

  private static ImportedModel imported(Path file, Arena arena) {
    try {
      return Pt2Importer.read(file, arena);
    } catch (UnsupportedModelException e) {
      return Assumptions.abort(e.getMessage());
    }
  }

  private static void replay(Path file) {
    try (Arena arena = Arena.ofConfined()) {
      ImportedModel imported = imported(file, arena);
      Graph graph = Pipeline.standard().run(imported.graph());
      var model = new ImportedModel(graph, imported.weights(), imported.states(), imported.names(),
          imported.inputs(), imported.outputs());
      var recording = Recording.read(file.resolveSibling("manifest.json").getParent(), arena);
      List<StepReport> reports = new Replay(model, recording).run(new ReferenceEngine(model, arena));
      assertThat(reports).isNotEmpty().allMatch(StepReport::passed);
    }
  }
}
