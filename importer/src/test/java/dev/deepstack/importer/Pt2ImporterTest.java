package dev.deepstack.importer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import dev.deepstack.importer.ImportedModel.FixedEntry;
import dev.deepstack.importer.ImportedModel.IntegerEntry;
import dev.deepstack.importer.ImportedModel.TensorEntry;
import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.testkit.Golden;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class Pt2ImporterTest {
  private static final Path FIXTURES = Path.of("..", "conformance", "fixtures");

  private static Path fixture(String name) {
    return FIXTURES.resolve("pt2").resolve(name);
  }

  @Test
  void importsADecoderWithItsCache() {
    try (Arena arena = Arena.ofConfined()) {
      var model = Pt2Importer.read(fixture("llama_kv/model.pt2"), arena);
      Golden.check("import/llama_kv.ir", GraphText.print(model.graph()));
      assertThat(model.states()).hasSize(4).containsKey("layers.0.attn.k_cache");
      assertThat(model.inputs()).containsExactly(new TensorEntry("tokens"), new TensorEntry("pos"));
      assertThat(model.outputs()).containsExactly(new TensorEntry("out0"));
    }
  }

  @Test
  void oldAndNewFilesGiveTheSameGraph() {
    try (Arena arena = Arena.ofConfined()) {
      var now = GraphText.print(Pt2Importer.read(fixture("llama_kv/model.pt2"), arena).graph());
      var old = GraphText.print(Pt2Importer.read(fixture("llama_kv/model.torch2.6.pt2"), arena).graph());
      assertThat(old.replaceAll("\\bs\\d+\\b", "s")).isEqualTo(now.replaceAll("\\bs\\d+\\b", "s"));
    }
  }

  @Test
  void importsADecomposedProgram() {
    try (Arena arena = Arena.ofConfined()) {
      var model = Pt2Importer.read(FIXTURES.resolve("more/llama_shift_cache/model.core.pt2"), arena);
      Golden.check("import/llama_shift_cache.core.ir", GraphText.print(model.graph()));
    }
  }

  @Test
  void inlinesRegions() {
    try (Arena arena = Arena.ofConfined()) {
      var model = Pt2Importer.read(fixture("hop_grad_autocast/model.pt2"), arena);
      Golden.check("import/hop_grad_autocast.ir", GraphText.print(model.graph()));
    }
  }

  /// The caches are constants that share their storage with unused buffers; Python knows them by the buffers'
  /// names.
  @Test
  void aliasesShareOneState() {
    try (Arena arena = Arena.ofConfined()) {
      var model = Pt2Importer.read(fixture("hf_llama_nonstrict/model.pt2"), arena);
      assertThat(model.states()).containsKeys("key_cache_0", "cumulative_length_1").hasSize(6);
      assertThat(model.graph().ops(Op.State.class)).hasSize(6);
    }
  }

  @Test
  void keepsLiteralsAndIntegersBesideTensors() {
    try (Arena arena = Arena.ofConfined()) {
      var sizes = Pt2Importer.read(fixture("sym_ops/model.pt2"), arena);
      assertThat(sizes.outputs()).filteredOn(o -> o instanceof IntegerEntry).hasSize(2);
      var literals = Pt2Importer.read(fixture("arg_kinds/model.pt2"), arena);
      assertThat(literals.inputs()).filteredOn(i -> i instanceof FixedEntry)
          .extracting(i -> ((FixedEntry) i).value())
          .containsExactly(2.0, true, "floor", null, 3L);
    }
  }

  @Test
  void namesEverythingThatIsMissingAtOnce() {
    try (Arena arena = Arena.ofConfined()) {
      assertThatExceptionOfType(UnsupportedModelException.class)
          .isThrownBy(() -> Pt2Importer.read(fixture("../more/ops_rare/model.pt2"), arena))
          .withMessageContaining("thing")
          .withMessageContaining("aten.view.dtype (bits read as another type), 1 time")
          .withMessageContaining("export again");
    }
  }
}
