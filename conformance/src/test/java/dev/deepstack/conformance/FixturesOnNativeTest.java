package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.cli.verify.NativeEngine;
import dev.deepstack.cli.verify.Recording;
import dev.deepstack.cli.verify.Replay;
import dev.deepstack.cli.verify.Replay.StepReport;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Machine code against PyTorch: every recorded call of every exported model that the importer takes.
final class FixturesOnNativeTest {
  private static final Path FIXTURES = Checkout.ROOT.resolve("conformance/fixtures");

  /// Models whose every file must run; the others may need operators that are not there yet.
  private static final Set<String> REQUIRED = Set.of("llama_kv", "llama_kv_decode", "moe_mla_dense", "moe_mla_gather",
      "moe_mla_grouped", "hf_llama", "hf_qwen3moe_grouped", "hf_deepseek_v3_batched", "bert_tiny", "vit_tiny",
      "resnet_tiny", "unet_tiny", "conv1d_dyn", "conv_gru",
      "hop_cond", "hop_while", "hop_scan", "hop_grad_autocast", "sym_ops", "bilstm", "arg_kinds", "ops_vision",
      "ops_core", "data_dependent");

  static Stream<Path> models() throws IOException {
    List<Path> models;
    try (var files = Files.walk(FIXTURES)) {
      models = files.filter(f -> f.getFileName().toString().matches("model.*\\.pt2")).sorted().toList();
    }
    assertThat(models).hasSizeGreaterThan(100);
    return models.stream();
  }

  @ParameterizedTest
  @MethodSource("models")
  void agreesWithPyTorch(Path file) {
    Path folder = file.getParent();
    // The two widths and thread counts take turns, so that all get their share of models.
    int turn = Math.floorMod(FIXTURES.relativize(file).toString().hashCode(), 4);
    var options = new LoadOptions(1 + turn / 2, turn % 2 == 0 ? "native" : "avx2", false, _ -> {});
    try (Arena arena = Arena.ofShared(); var model = Model.load(file, options)) {
      var replay = new Replay(Pt2Importer.read(file, arena), Recording.read(folder, arena));
      assertThat(replay.run(new NativeEngine(model.executable()))).isNotEmpty().allMatch(StepReport::passed);
    } catch (UnsupportedModelException e) {
      String name = folder.getFileName().toString();
      assertThat(REQUIRED.contains(name) || name.startsWith("flow_")).isFalse();
      assumeTrue(false, String.valueOf(e.getMessage()));
    }
  }
}
