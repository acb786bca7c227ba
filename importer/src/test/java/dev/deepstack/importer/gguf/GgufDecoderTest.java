package dev.deepstack.importer.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.ir.Op;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.RopeScaling;
import dev.deepstack.models.RoutingSpec;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.UnsupportedModelException;
import dev.deepstack.testkit.Gen;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.Channels;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

/// What decoders are in files, beside their arithmetic, which is tested against llama.cpp elsewhere.
class GgufDecoderTest {
  private static final Arena ARENA = Arena.ofShared();

  @AfterAll
  static void close() {
    ARENA.close();
  }

  private static GgufFile file(String name) {
    Path path = Path.of(System.getProperty("deepstack.root", ".."),
        "conformance", "fixtures", "gguf", name + ".gguf");
    return GgufFile.open(path, ARENA);
  }

  @Test
  void permutedHeadsTurnInNeighbouringPairs() {
    var llama = (AttentionSpec.Grouped) GgufDecoder.read(file("llama")).spec().layers().getFirst().attention();
    assertThat(llama.rope().layout()).isEqualTo(Op.RopeLayout.INTERLEAVED);
    var qwen = (AttentionSpec.Grouped) GgufDecoder.read(file("qwen3")).spec().layers().getFirst().attention();
    assertThat(qwen.rope().layout()).isEqualTo(Op.RopeLayout.HALVES);
    assertThat(qwen.qkNorm()).isEqualTo(AttentionSpec.QkNorm.PER_HEAD);
    assertThat(qwen.headDim()).isEqualTo(16);
  }

  @Test
  void tiedHeadsAndTablesOfFrequencies() {
    var spec = GgufDecoder.read(file("llama-scaled")).spec();
    assertThat(spec.tiedHead()).isTrue();
    var attention = (AttentionSpec.Grouped) spec.layers().getFirst().attention();
    assertThat(attention.biases()).isEqualTo(AttentionSpec.Biases.ALL);
    assertThat(((RopeScaling.Table) attention.rope().scaling()).divisors()).contains(1.2f, 8f);
  }

  @Test
  void routingFollowsTheMetadata() {
    var layers = GgufDecoder.read(file("deepseek2-v3")).spec().layers();
    assertThat(layers.getFirst().feedForward()).isInstanceOf(FeedForwardSpec.Dense.class);
    var routed = (FeedForwardSpec.Routed) layers.getLast().feedForward();
    assertThat(routed.routing().score()).isEqualTo(RoutingSpec.Score.SIGMOID);
    assertThat(routed.routing().choiceBias()).isTrue();
    assertThat(routed.routing().scale()).isEqualTo(1.5);
    RoutingSpec.Groups groups = Objects.requireNonNull(routed.routing().groups());
    assertThat(groups.chosen()).isEqualTo(2);
    assertThat(Objects.requireNonNull(routed.shared()).width()).isEqualTo(32);
    var glm = GgufDecoder.read(file("glm4moe")).spec();
    assertThat(glm.layers()).hasSize(2);
    assertThat(glm.nextTokenLayers()).isEqualTo(1);
    var oss = GgufDecoder.read(file("gpt-oss")).spec();
    assertThat(oss.layers().get(0).attention().window()).isEqualTo(4);
    assertThat(oss.layers().get(1).attention().window()).isZero();
  }

  @Test
  void everyWeightKeepsItsForm() {
    ImportedDecoder decoder = GgufDecoder.read(file("mixed"));
    assertThat(decoder.forms()).containsEntry("model.embed_tokens.weight", new StoredForm.Blocks(BlockFormat.Q4_K))
        .containsEntry("lm_head.weight", new StoredForm.Blocks(BlockFormat.Q6_K))
        .containsEntry("model.layers.1.self_attn.k_proj.weight", new StoredForm.Plain(DType.BF16))
        .containsEntry("model.layers.0.mlp.gate_proj.weight", new StoredForm.Blocks(BlockFormat.Q2_K))
        .containsEntry("model.norm.weight", new StoredForm.Plain(DType.F32));
    StridedTensor rows = decoder.weights().tensor("model.embed_tokens.weight", ARENA);
    assertThat(rows.dtype()).isEqualTo(DType.U8);
    assertThat(rows.shape()).containsExactly(96, 144);
  }

  @Test
  void expertsAreSlicesOfTheFile() {
    GgufFile file = file("olmoe-mxfp4");
    ImportedDecoder decoder = GgufDecoder.read(file);
    GgufTensor all = file.tensor("blk.1.ffn_up_exps.weight");
    StridedTensor third = decoder.weights().tensor("model.layers.1.mlp.experts.3.up_proj.weight", ARENA);
    assertThat(third.shape()).containsExactly(32, 34);
    assertThat(third.contiguous(ARENA).data().mismatch(all.data().asSlice(3L * 32 * 34, 32 * 34))).isEqualTo(-1);
    assertThatThrownBy(() -> decoder.weights().tensor("model.layers.1.mlp.experts.9.up_proj.weight", ARENA))
        .isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> decoder.weights().tensor("nothing", ARENA)).isInstanceOf(InvalidInputException.class);
  }

  @Test
  void whatIsNotKnownIsNamed() {
    refused("llama", m -> m.put("general.architecture", GgufValue.of("mamba")), UnsupportedModelException.class,
        "\"mamba\"", "qwen3moe");
    refused("llama", m -> m.put("llama.rope.scaling.type", GgufValue.of("longrope")), UnsupportedModelException.class,
        "longrope");
    refused("deepseek2-v3", m -> m.put("deepseek2.expert_gating_func", GgufValue.of(9)),
        UnsupportedModelException.class, "expert_gating_func 9");
    refused("llama", m -> m.put("llama.attention.value_length", GgufValue.of(4)), UnsupportedModelException.class,
        "values of 4");
    assertThatThrownBy(() -> GgufDecoder.read(changed("llama", _ -> {}, t -> t.name().equals("blk.0.ffn_norm.weight")
        ? new GgufTensor("blk.0.ffn_sub_norm.weight", t.type(), t.shape(), t.data()) : t)))
        .isInstanceOf(MalformedModelException.class).hasMessageContaining("blk.0.ffn_norm.weight");
    assertThatThrownBy(() -> GgufDecoder.read(changed("glm4moe-norms", m -> {
      m.put("general.architecture", GgufValue.of("llama"));
      for (String key : List.copyOf(m.keySet())) {
        m.put(key.replace("glm4moe.", "llama."), m.get(key));
      }
    }, t -> t))).isInstanceOf(UnsupportedModelException.class).hasMessageContaining("attn_k_norm");
  }

  @Test
  void contradictionsAreNamed() {
    refused("llama", m -> m.put("llama.block_count", GgufValue.of(3)), MalformedModelException.class, "blk.2.");
    refused("llama", m -> m.put("llama.block_count", GgufValue.of(1 << 29)), MalformedModelException.class,
        "block_count");
    refused("llama", m -> m.put("llama.embedding_length", GgufValue.of(64)), MalformedModelException.class, "[96, 32]");
    refused("llama", m -> m.put("llama.attention.head_count_kv", GgufValue.of(3)), MalformedModelException.class,
        "head_count");
    refused("llama", m -> m.put("llama.attention.head_count", GgufValue.of(0)), MalformedModelException.class,
        "head_count");
    refused("llama", m -> m.remove("llama.attention.head_count"), MalformedModelException.class, "head_count");
    refused("llama", m -> m.put("llama.rope.dimension_count", GgufValue.of(100)), MalformedModelException.class,
        "dimension_count");
    refused("llama", m -> m.put("llama.attention.layer_norm_rms_epsilon", GgufValue.of(Double.NaN)),
        MalformedModelException.class, "epsilon");
    refused("olmoe", m -> m.put("olmoe.expert_used_count", GgufValue.of(6)), MalformedModelException.class,
        "expert_used_count");
    refused("olmoe", m -> m.put("olmoe.expert_count", GgufValue.of(4)), MalformedModelException.class, "ffn_");
    refused("deepseek2-v3", m -> m.put("deepseek2.expert_group_count", GgufValue.of(3)), MalformedModelException.class,
        "expert_group_count");
    // Groups of one expert have no best two.
    refused("deepseek2-v3", m -> m.put("deepseek2.expert_group_count",
        Objects.requireNonNull(m.get("deepseek2.expert_count"))), MalformedModelException.class, "expert_group_count");
    refused("llama", m -> m.remove("general.architecture"), MalformedModelException.class, "general.architecture");
  }

  /// Nothing but our exceptions comes out of metadata that says anything at all.
  @Test
  void anyNumberMayStandAnywhere() {
    for (String name : List.of("llama-yarn", "deepseek2-v3", "gpt-oss", "qwen2moe", "glm4moe-norms")) {
      GgufFile file = file(name);
      List<String> keys = file.metadata().values().keySet().stream().filter(k -> !k.startsWith("general")).toList();
      Gen.forSeeds(300, gen -> {
        try {
          GgufDecoder.read(changed(name, m -> {
            for (int i = gen.intIn(1, 3); i > 0; i--) {
              m.put(gen.pick(keys), gen.pick(List.of(GgufValue.of(gen.longIn(0, 70)), GgufValue.of(0L),
                  GgufValue.of(0xffffffffL), new GgufValue.Whole(GgufValue.Type.INT64, gen.longIn(-5, Long.MAX_VALUE)),
                  GgufValue.of(gen.doubleIn(-2, 2)), GgufValue.of(Double.POSITIVE_INFINITY), GgufValue.of(true),
                  GgufValue.of("yarn"), new GgufValue.Wholes(GgufValue.Type.INT32, new long[] {1, -1}))));
            }
          }, t -> t));
        } catch (MalformedModelException | UnsupportedModelException e) {
          assertThat(e.getMessage()).contains("m.gguf");
        }
      });
    }
  }

  @Test
  void metadataIsHandedOnInTheTypesOfTheLanguage() {
    var values = new LinkedHashMap<String, GgufValue>();
    values.put("n", GgufValue.of(7));
    values.put("s", GgufValue.of("text"));
    values.put("b", GgufValue.of(true));
    values.put("i", new GgufValue.Wholes(GgufValue.Type.INT32, new long[] {1, -2}));
    values.put("l", new GgufValue.Wholes(GgufValue.Type.INT64, new long[] {1L << 40}));
    values.put("f", new GgufValue.Reals(GgufValue.Type.FLOAT32, new double[] {0.5}));
    values.put("t", new GgufValue.Texts(List.of("a", "b")));
    Map<String, Object> plain = new GgufMetadata("m.gguf", values).plain();
    assertThat(plain).containsEntry("n", 7L).containsEntry("s", "text").containsEntry("b", true)
        .containsEntry("i", new int[] {1, -2}).containsEntry("l", new long[] {1L << 40})
        .containsEntry("f", new float[] {0.5f}).containsEntry("t", List.of("a", "b"));
  }

  private static void refused(String name, Consumer<Map<String, GgufValue>> change, Class<?> by, String... parts) {
    assertThatThrownBy(() -> GgufDecoder.read(changed(name, change, t -> t))).isInstanceOf(by)
        .hasMessageContainingAll(parts).hasMessageContaining("m.gguf");
  }

  /// A file with other metadata and tensors.
  private static GgufFile changed(
      String name, Consumer<Map<String, GgufValue>> metadata, UnaryOperator<GgufTensor> tensor) {
    GgufFile file = file(name);
    var values = new LinkedHashMap<>(file.metadata().values());
    metadata.accept(values);
    var bytes = new ByteArrayOutputStream();
    List<GgufTensor> tensors = file.tensors().values().stream().map(tensor).toList();
    var writer = new GgufWriter(values,
        tensors.stream().map(t -> new GgufWriter.Announced(t.name(), t.type(), t.shape())).toList());
    try {
      writer.write(Channels.newChannel(bytes), (t, out) -> out.write(tensors.stream()
          .filter(x -> x.name().equals(t.name())).findFirst().orElseThrow().data().asByteBuffer()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return GgufFile.of("m.gguf", MemorySegment.ofArray(bytes.toByteArray()));
  }
}
