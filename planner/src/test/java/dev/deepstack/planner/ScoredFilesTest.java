package dev.deepstack.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.evidence.Estimator;
import dev.deepstack.planner.evidence.Point;
import dev.deepstack.planner.evidence.PointReader;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ConfigReader;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.tensor.MalformedModelException;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// Files of points that others bring.
final class ScoredFilesTest {
  private static final List<String> OPTIONAL = List.of("device_count", "parallelism", "precision", "framework", "isl",
      "osl", "kv_len", "concurrency", "batch_per_device", "mtp", "conditions");

  /// Whatever a source leaves out, there is a number.
  @Test
  void everyPointHasAnAnswerWithAnyConditionMissing() {
    var estimator = new Estimator(Catalog.standard(), DeviceCatalog.standard(), Calibration.standard());
    for (String file : List.of("published-inference.json", "published-training.json")) {
      int at = 0;
      for (JsonNode point : Resources.json(file).path("points")) {
        var one = JsonMapper.shared().createObjectNode();
        ArrayNode list = one.putArray("points");
        // One missing condition per point, in turn: all combinations would take minutes.
        ((ObjectNode) list.add(point.deepCopy()).get(0)).remove(OPTIONAL.get(at++ % OPTIONAL.size()));
        for (Point p : PointReader.read(one, "one")) {
          if (!p.score().isEmpty()) {
            estimator.answers(p).forEach(a -> a.values().forEach((metric, e) -> {
              assertThat(e.value()).as(p.id() + " " + metric).isPositive().isFinite();
              assertThat(e.low()).isLessThan(e.value());
              assertThat(e.high()).isGreaterThan(e.value());
            }));
          }
        }
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"points\": [1]}", "{\"points\": [{}]}",
      "{\"points\": [{\"id\": \"a\", \"metrics\": {\"tpot_ms\": -1}}]}",
      "{\"points\": [{\"id\": \"a\", \"metrics\": {}, \"score\": [\"tpot_ms\"]}]}",
      "{\"points\": [{\"id\": \"a\", \"isl\": \"long\"}]}", "{\"points\": [{\"id\": \"a\", \"isl\": -4}]}"})
  void brokenFilesAreRefused(String json) {
    assertThatThrownBy(() -> PointReader.read(JsonMapper.shared().readTree(json), "x.json"))
        .isInstanceOf(MalformedModelException.class);
  }

  @Test
  void wholeConfigsOfOtherFamiliesAreRead() {
    ModelShape hybrid = ConfigReader.read("hybrid", JsonMapper.shared().readTree("""
        {"model_type": "nemotron_h", "hidden_size": 2688, "num_hidden_layers": 8, "num_attention_heads": 32,
         "num_key_value_heads": 2, "head_dim": 128, "intermediate_size": 1856, "moe_intermediate_size": 1856,
         "n_routed_experts": 128, "num_experts_per_tok": 6, "moe_shared_expert_intermediate_size": 3712,
         "hybrid_override_pattern": "MEM*E-ME", "mlp_hidden_act": "relu2", "mamba_num_heads": 64,
         "mamba_head_dim": 64, "ssm_state_size": 128, "vocab_size": 131072}"""));
    assertThat(hybrid.depth()).isEqualTo(8);
    assertThat(hybrid.activeWeights()).isLessThan(hybrid.weights());
    ModelShape nested = ConfigReader.read("nested", JsonMapper.shared().readTree("""
        {"model_type": "some_vl", "text_config": {"model_type": "qwen3_moe", "hidden_size": 2048,
         "num_hidden_layers": 48, "num_attention_heads": 32, "num_key_value_heads": 4, "head_dim": 128,
         "num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768, "intermediate_size": 6144,
         "vocab_size": 151936}}"""));
    assertThat(nested.weights()).isEqualTo(Catalog.standard().get("qwen3-30b-a3b").weights());
    ModelShape unknown = ConfigReader.read("unknown", JsonMapper.shared().readTree("""
        {"model_type": "brand_new", "hidden_size": 4096, "num_hidden_layers": 4, "num_attention_heads": 32,
         "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 32000}"""));
    assertThat(unknown.weights()).isPositive();
  }
}
