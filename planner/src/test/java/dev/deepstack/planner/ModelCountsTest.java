package dev.deepstack.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.models.DecoderCosts;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.config.DecoderConfig;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.model.SpecShapes;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.node.ObjectNode;

/// The planner counts what the compiler's description of a decoder says.
final class ModelCountsTest {
  /// Norms, biases and gates of shared experts, which the planner leaves out: most in gpt-oss, where experts have
  /// biases.
  private static final double LEFT_OUT = 2e-3;

  @ParameterizedTest
  @ValueSource(strings = {"deepseek-v3", "deepseek-v2-lite", "kimi-k2", "glm-4.5-air", "qwen3-235b-a22b", "qwen3-0.6b",
      "gpt-oss-20b", "llama-3.1-70b", "mixtral-8x7b", "olmoe-1b-7b"})
  void weightsAndCacheAreThoseOfTheSpec(String name) {
    var config = (ObjectNode) Resources.json("models.json").path("models").path(name);
    DecoderSpec spec = DecoderConfig.describe(name, config.put("max_position_embeddings", 4096).toString());
    DecoderCosts costs = DecoderCosts.of(spec);
    ModelShape shape = SpecShapes.of(name, spec);
    assertThat(shape.weights()).isCloseTo(costs.parameters(), within(costs.parameters() * LEFT_OUT));
    assertThat(shape.activeWeights()).isCloseTo(costs.activeParameters(),
        within(costs.activeParameters() * LEFT_OUT));
    assertThat(shape.cachedPerToken())
        .isEqualTo(spec.layers().stream().mapToInt(l -> l.attention().cacheWidth()).sum());
  }
}
