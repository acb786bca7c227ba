package dev.deepstack.importer.hf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.ir.Op;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.models.StoredForm;
import dev.deepstack.models.config.DecoderConfig;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.FloatFormat;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.Safetensors;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HfImporterTest {
  private static final String LLAMA = """
      {"model_type": "llama", "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2, "vocab_size": 5,
       "num_key_value_heads": 1, "intermediate_size": 12, "max_position_embeddings": 16, "eos_token_id": 1%s}""";

  @TempDir
  private Path folder;

  private final Map<String, HostTensor> tensors = new LinkedHashMap<>();

  @BeforeEach
  void writeLlama() throws IOException {
    Files.writeString(folder.resolve("config.json"), LLAMA.formatted(""));
    for (DecoderWeight w : DecoderWeights.of(DecoderConfig.describe(folder.resolve("config.json")))) {
      tensors.put(w.name(), HostTensor.zeros(DType.BF16, w.extents()));
    }
  }

  private ImportedDecoder read() {
    Safetensors.write(folder.resolve("model.safetensors"), tensors);
    return HfImporter.read(folder, Arena.ofAuto());
  }

  @Test
  void readsAFolder() throws IOException {
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [3, 4], \"bos_token_id\": 2}");
    ImportedDecoder decoder = read();
    assertThat(decoder.spec().tokens().eos()).containsExactly(3, 4);
    assertThat(decoder.spec().tokens().bos()).isEqualTo(2);
    assertThat(decoder.forms().values()).containsOnly(new StoredForm.Plain(DType.BF16));
    for (Op.Weight weight : decoder.graph(DecoderGraph.Options.DEFAULT).ops(Op.Weight.class)) {
      assertThat(decoder.whole(weight, Arena.ofAuto()).type()).isEqualTo(weight.type());
    }
  }

  @Test
  void namesAllThatDoesNotFit() {
    tensors.remove("model.norm.weight");
    tensors.put("lm_head.weight", HostTensor.zeros(DType.BF16, 6, 8));
    tensors.put("model.layers.0.mlp.up_proj.weight", HostTensor.zeros(DType.I8, 12, 8));
    tensors.put("model.layers.0.mlp.up_proj.bias", HostTensor.zeros(DType.BF16, 12));
    tensors.put("model.layers.1.input_layernorm.weight", HostTensor.zeros(DType.BF16, 8));
    assertThatThrownBy(this::read).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("model.norm.weight is missing")
        .hasMessageContaining("lm_head.weight is [6, 8], not [5, 8]")
        .hasMessageContaining("model.layers.0.mlp.up_proj.weight is i8, not bf16, f16 or f32")
        .hasMessageContaining("model.layers.0.mlp.up_proj.bias is not part")
        .hasMessageContaining("model.layers.1.input_layernorm.weight is not part");
  }

  @Test
  void namesWhatIsUnsupportedBeforeAnyWeightIsRead() throws IOException {
    Files.writeString(folder.resolve("config.json"),
        LLAMA.formatted(", \"quantization_config\": {\"quant_method\": \"awq\"}"));
    assertThatThrownBy(() -> HfImporter.read(folder, Arena.ofAuto()))
        .isInstanceOf(UnsupportedModelException.class).hasMessageContaining("\"awq\"");
  }

  @Test
  void readsShards() throws IOException {
    var first = new LinkedHashMap<>(tensors);
    var second = new LinkedHashMap<String, HostTensor>();
    second.put("lm_head.weight", tensors.get("lm_head.weight"));
    first.remove("lm_head.weight");
    Safetensors.write(folder.resolve("model-00001-of-00002.safetensors"), first);
    var map = new StringBuilder();
    tensors.keySet().forEach(name -> map.append(map.isEmpty() ? "" : ", ").append('"').append(name)
        .append("\": \"model-0000").append(first.containsKey(name) ? 1 : 2).append("-of-00002.safetensors\""));
    Files.writeString(folder.resolve("model.safetensors.index.json"), "{\"weight_map\": {" + map + "}}");
    assertThatThrownBy(() -> HfImporter.read(folder, Arena.ofAuto())).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("lacks 1 of 2 files").hasMessageContaining("model-00002-of-00002.safetensors");

    Safetensors.write(folder.resolve("model-00002-of-00002.safetensors"), second);
    assertThat(HfImporter.read(folder, Arena.ofAuto()).spec().layers()).hasSize(1);

    Safetensors.write(folder.resolve("model-00002-of-00002.safetensors"), Map.of());
    assertThatThrownBy(() -> HfImporter.read(folder, Arena.ofAuto())).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("lm_head.weight is not in model-00002-of-00002.safetensors");
  }

  @Test
  void refusesAnIndexThatLeavesTheFolder() throws IOException {
    Files.writeString(folder.resolve("model.safetensors.index.json"),
        "{\"weight_map\": {\"lm_head.weight\": \"../other.safetensors\"}}");
    assertThatThrownBy(() -> HfImporter.read(folder, Arena.ofAuto())).isInstanceOf(MalformedModelException.class)
        .hasMessageContaining("no file name");
  }

  @Test
  void saysWhatAFolderLacks() {
    assertThatThrownBy(() -> HfImporter.read(folder, Arena.ofAuto())).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("neither model.safetensors nor");
    assertThatThrownBy(() -> HfImporter.read(folder.resolve("none"), Arena.ofAuto()))
        .isInstanceOf(InvalidInputException.class).hasMessageContaining("config.json");
  }

  @Test
  void readsFp8WithItsScales() throws IOException {
    Files.writeString(folder.resolve("config.json"), LLAMA.formatted(
        ", \"quantization_config\": {\"quant_method\": \"fp8\", \"weight_block_size\": [8, 8]}"));
    tensors.put("model.layers.0.mlp.up_proj.weight", HostTensor.zeros(DType.F8E4M3, 12, 8));
    assertThatThrownBy(this::read).hasMessageContaining("up_proj.weight_scale_inv is missing");
    tensors.put("model.layers.0.mlp.up_proj.weight_scale_inv", HostTensor.zeros(DType.F32, 2, 1));
    assertThat(read().forms()).containsEntry("model.layers.0.mlp.up_proj.weight",
        new StoredForm.Tiles(DType.F8E4M3, DType.F32, 8, 8));
  }

  @Test
  void turnsMxfp4CodesIntoBlocks() {
    // Rows of gate and up in turn; element i of a block has code i mod 16, so neighbours share a byte.
    HostTensor codes = HostTensor.zeros(DType.U8, 1, 4, 2, 16);
    HostTensor scales = HostTensor.zeros(DType.U8, 1, 4, 2);
    for (int i = 0; i < codes.elements(); i++) {
      int element = i % 16 * 2 % 16;
      codes.data().set(ValueLayout.JAVA_BYTE, i, (byte) (element | element + 1 << 4));
    }
    for (int i = 0; i < 8; i++) {
      scales.setLong(i, 127 + i);
    }
    HostTensor up = new MxfpRows(codes, scales, 1, 2, 2, 2).in(Arena.ofAuto());
    assertThat(up.shape()).containsExactly(2, 2 * 17);
    float[] values = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6};
    var out = new float[32];
    for (int row = 0; row < 2; row++) {
      for (int block = 0; block < 2; block++) {
        BlockFormat.MXFP4.dequantize(up.data(), (row * 2L + block) * 17, out, 0);
        float scale = Math.scalb(1f, (1 + 2 * row) * 2 + block);
        for (int i = 0; i < 32; i++) {
          assertThat(out[i]).isEqualTo((i % 16 < 8 ? 1 : -1) * values[i % 8] * scale);
        }
      }
    }
  }

  @Test
  void decodesTiles() {
    HostTensor codes = HostTensor.zeros(DType.F8E4M3, 3, 5);
    codes.data().fill(FloatFormat.toF8E4M3(1.5f));
    HostTensor scales = HostTensor.of(new float[] {1, 2, 3, 4, 5, 6}, 2, 3);
    var tiles = new StoredForm.Tiles(DType.F8E4M3, DType.F32, 2, 2);
    float[] wide = TileDecoder.decode(dev.deepstack.tensor.StridedTensor.of(codes),
        dev.deepstack.tensor.StridedTensor.of(scales), tiles, Arena.ofAuto()).toFloats();
    assertThat(wide[1 * 5 + 4]).isCloseTo(4.5f, within(0f));
    assertThat(wide[2 * 5 + 1]).isCloseTo(6f, within(0f));
  }
}
