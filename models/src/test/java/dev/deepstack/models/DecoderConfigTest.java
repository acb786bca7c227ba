package dev.deepstack.models;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.models.config.DecoderConfig;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.List;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class DecoderConfigTest {
  private static final String LLAMA = """
      {"model_type": "llama", "hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
       "num_key_value_heads": 2, "intermediate_size": 160, "vocab_size": 320, "max_position_embeddings": 256,
       "bos_token_id": 1, "eos_token_id": [2, 3], "auto_map": {"AutoModel": "evil.py"}%s}""";

  private static final String V3 = """
      {"model_type": "deepseek_v3", "hidden_size": 7168, "num_hidden_layers": 61, "num_attention_heads": 128,
       "num_key_value_heads": 128, "intermediate_size": 18432, "moe_intermediate_size": 2048, "vocab_size": 129280,
       "max_position_embeddings": 163840, "n_routed_experts": 256, "n_shared_experts": 1, "num_experts_per_tok": 8,
       "n_group": 8, "topk_group": 4, "first_k_dense_replace": 3, "kv_lora_rank": 512, "q_lora_rank": 1536,
       "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128, "norm_topk_prob": true,
       "routed_scaling_factor": 2.5, "num_nextn_predict_layers": 1, "rope_theta": 10000,
       "rope_scaling": {"type": "yarn", "factor": 40, "beta_fast": 32, "beta_slow": 1, "mscale": 1.0,
         "mscale_all_dim": 1.0, "original_max_position_embeddings": 4096},
       "quantization_config": {"quant_method": "fp8", "fmt": "e4m3", "weight_block_size": [128, 128]}}""";

  private static DecoderSpec llama(String more) {
    return DecoderConfig.describe("config.json", LLAMA.formatted(more));
  }

  @Test
  void readsLlama() {
    DecoderSpec spec = llama("");
    assertThat(spec.layers()).hasSize(2);
    var attention = (AttentionSpec.Grouped) spec.layers().getFirst().attention();
    assertThat(attention.headDim()).isEqualTo(16);
    assertThat(attention.rope().theta()).isEqualTo(10000);
    assertThat(spec.tokens().eos()).containsExactly(2, 3);
    assertThat(spec.requireBuildable()).isSameAs(spec);
    assertThat(DecoderCosts.cacheBytes(spec, DType.BF16)).isEqualTo(2 * 2 * 2 * 16 * 2);
    assertThat(DecoderCosts.of(spec).weightBytes()).isEqualTo(2 * DecoderCosts.of(spec).parameters());
  }

  @Test
  void countsDeepSeek() {
    DecoderSpec spec = DecoderConfig.describe("config.json", V3);
    var costs = DecoderCosts.of(spec);
    assertThat(costs.parameters() / 1e9).isCloseTo(671, within(1.0));
    assertThat(costs.activeParameters() / 1e9).isCloseTo(37, within(1.0));
    assertThat(costs.weightBytes() / 1e9).isCloseTo(673, within(3.0));
    assertThat(DecoderCosts.cacheBytes(spec, DType.BF16)).isEqualTo(61 * 576 * 2);
    double mscale = 0.1 * Math.log(40) + 1;
    assertThat(spec.layers().getFirst().attention().scale())
        .isCloseTo(mscale * mscale / Math.sqrt(192), within(1e-12));
    assertThat(spec.layers().getFirst().attention().rope().scaling().amplitude()).isEqualTo(1);
  }

  @Test
  void readsBothFormsOfScaling() {
    String inside = "\"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4,"
        + " \"original_max_position_embeddings\": 64";
    var old = llama(", \"rope_theta\": 500000, \"rope_scaling\": {\"rope_type\": \"llama3\", " + inside + "}");
    var now = llama(", \"rope_parameters\": {\"rope_theta\": 500000, \"rope_type\": \"llama3\", " + inside + "}");
    assertThat(old).isEqualTo(now);
    assertThat(old.layers().getFirst().attention().rope().scaling()).isInstanceOf(RopeScaling.Llama3.class);
  }

  @Test
  void longRopeFollowsTheContext() {
    String divisors = "\"short_factor\": [1, 1, 1, 1, 1, 1, 1, 2], \"long_factor\": [1, 2, 3, 4, 5, 6, 7, 8]";
    DecoderSpec spec = llama(", \"original_max_position_embeddings\": 64, \"rope_scaling\": {\"type\": \"su\", "
        + divisors + "}");
    float[] plain = llama("").layers().getFirst().attention().rope().inverseFrequencies();
    float[] within = spec.forContext(64).layers().getFirst().attention().rope().inverseFrequencies();
    float[] beyond = spec.forContext(65).layers().getFirst().attention().rope().inverseFrequencies();
    assertThat(within).startsWith(plain[0], plain[1]).endsWith(plain[7] / 2);
    assertThat(beyond).startsWith(plain[0], plain[1] / 2).endsWith(plain[7] / 8);
    double amplitude = Math.sqrt(1 + Math.log(256 / 64.0) / Math.log(64));
    assertThat(spec.forContext(1).layers().getFirst().attention().rope().scaling().amplitude())
        .isCloseTo(amplitude, within(1e-12));
    assertThatThrownBy(() -> llama(", \"rope_scaling\": {\"type\": \"longrope\", \"factor\": 2, "
        + divisors.replace("[1, 2,", "[2,") + "}"))
        .isInstanceOf(MalformedModelException.class).hasMessageContaining("7 numbers in long_factor for 8");
    String zero = divisors.replace("8]", "0]");
    assertThatThrownBy(() -> llama(", \"rope_scaling\": {\"type\": \"longrope\", " + zero + "}"))
        .isInstanceOf(MalformedModelException.class).hasMessageContaining("not a number above 0");
  }

  @Test
  void layersOfOneTypeTurnAlike() {
    String gemma = LLAMA.replace("llama", "gemma3_text")
        .replace("\"num_hidden_layers\": 2", "\"num_hidden_layers\": 7");
    DecoderSpec old = DecoderConfig.describe("c", gemma.formatted(
        ", \"rope_theta\": 1000000, \"rope_local_base_freq\": 5000, \"sliding_window\": 8,"
        + " \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 8}"));
    RopeSpec local = old.layers().getFirst().attention().rope();
    RopeSpec global = old.layers().get(5).attention().rope();
    assertThat(local.theta()).isEqualTo(5000);
    assertThat(local.scaling()).isEqualTo(new RopeScaling.None());
    assertThat(global.theta()).isEqualTo(1e6);
    assertThat(global.scaling()).isEqualTo(new RopeScaling.Linear(8));
    assertThat(old.layers()).extracting(l -> l.attention().window()).containsExactly(8, 8, 8, 8, 8, 0, 8);
    assertThat(old.tiedHead()).isTrue();
    DecoderSpec now = DecoderConfig.describe("c", gemma.formatted(", \"sliding_window\": 8, \"rope_parameters\": {"
        + "\"sliding_attention\": {\"rope_theta\": 5000}, \"full_attention\": {\"rope_theta\": 1000000,"
        + " \"rope_type\": \"linear\", \"factor\": 8}}"));
    assertThat(now).isEqualTo(old);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
      ", \"rope_scaling\": {\"type\": \"ntk\", \"factor\": 2} | \"ntk\"",
      ", \"hidden_act\": \"mish\" | \"mish\"",
  })
  void namesWhatIsNotSupported(String more, String named) {
    assertThatThrownBy(() -> llama(more)).isInstanceOf(UnsupportedModelException.class).hasMessageContaining(named);
  }

  @Test
  void namesUnknownQuantizationAndStillDescribes() {
    DecoderSpec spec = llama(", \"quantization_config\": {\"quant_method\": \"awq\", \"bits\": 4}");
    assertThatThrownBy(spec::requireBuildable).isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("awq");
    assertThat(DecoderCosts.of(spec).weightBytes()).isLessThan(2 * DecoderCosts.of(spec).parameters());
  }

  @Test
  void namesUnknownModels() {
    assertThatThrownBy(() -> DecoderConfig.describe("c", "{\"model_type\": \"mamba\"}"))
        .isInstanceOf(UnsupportedModelException.class).hasMessageContaining("\"mamba\"");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '\0', value = {
      "\"hidden_size\": 64 | \"hidden_size\": 66 | does not divide",
      "\"num_key_value_heads\": 2 | \"num_key_value_heads\": 3 | not a multiple",
      "\"hidden_size\": 64, |  | no \"hidden_size\"",
      "\"hidden_size\": 64 | \"hidden_size\": -5 | not a whole number",
      "\"hidden_size\": 64 | \"hidden_size\": 1e99 | not a whole number",
      "\"hidden_size\": 64 | \"hidden_size\": \"64\" | not a whole number",
      "\"hidden_size\": 64 | \"hidden_size\": 200000000, \"head_dim\": 2000000 | more than any model has",
      "\"num_hidden_layers\": 2 | \"num_hidden_layers\": 100000000 | more than any model has",
      "\"vocab_size\": 320 | \"vocab_size\": 320, \"vocab_size\": 321 | not valid JSON",
  })
  void refusesContradictions(String from, String to, String message) {
    String json = LLAMA.formatted("").replace(from, to == null ? "" : to);
    assertThatThrownBy(() -> DecoderConfig.describe("config.json", json))
        .isInstanceOf(MalformedModelException.class).hasMessageContaining(message);
  }

  /// Whatever a config says, the answer is a description that can be counted or one sentence.
  @ParameterizedTest
  @ValueSource(strings = {"null", "0", "-1", "1", "2", "7", "268435455", "1e30", "0.5", "\"x\"", "true", "[]", "[1, 2]",
      "{}", "[\"full_attention\"]", "{\"type\": \"yarn\", \"factor\": 0}", "{\"rope_type\": \"yarn\"}",
      "{\"rope_type\": \"llama3\", \"factor\": 2}", "{\"quant_method\": \"fp8\", \"weight_block_size\": [0, 1]}"})
  void survivesAnyValue(String value) {
    for (String json : new String[] {V3, LLAMA.formatted("")}) {
      var tree = (ObjectNode) JsonMapper.shared().readTree(json);
      var keys = new TreeSet<>(tree.propertyNames());
      keys.addAll(List.of("head_dim", "rope_parameters", "quantization_config", "layer_types", "n_shared_experts",
          "rms_norm_eps", "partial_rotary_factor", "tie_word_embeddings"));
      for (String key : keys) {
        String changed = tree.deepCopy().set(key, JsonMapper.shared().readTree(value)).toString();
        try {
          DecoderSpec spec = DecoderConfig.describe("config.json", changed);
          assertThat(DecoderCosts.of(spec).parameters()).as(key).isPositive();
        } catch (MalformedModelException | UnsupportedModelException e) {
          assertThat(e.getMessage()).as(key).contains("config.json").doesNotContain("\n");
        }
      }
    }
  }
}
