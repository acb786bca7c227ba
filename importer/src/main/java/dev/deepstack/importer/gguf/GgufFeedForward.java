package dev.deepstack.importer.gguf;

import dev.deepstack.ir.Op;
import dev.deepstack.models.ActivationSpec;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.RoutingSpec;
import dev.deepstack.models.RoutingSpec.GroupScore;
import dev.deepstack.models.RoutingSpec.Groups;
import dev.deepstack.models.RoutingSpec.Score;
import dev.deepstack.tensor.UnsupportedModelException;
import org.jspecify.annotations.Nullable;

/// The second half of one layer of a GGUF file: routed where the layer has a router, dense otherwise.
final class GgufFeedForward {
  private final GgufArchitecture architecture;
  private final GgufFile file;
  private final GgufKeys keys;
  private final int layer;
  private final int layers;

  GgufFeedForward(GgufArchitecture architecture, GgufFile file, GgufKeys keys, int layer, int layers) {
    this.architecture = architecture;
    this.file = file;
    this.keys = keys;
    this.layer = layer;
    this.layers = layers;
  }

  FeedForwardSpec spec() {
    if (has("ffn_gate_inp.weight")) {
      return routed();
    }
    int width = keys.count("feed_forward_length", layer, layers, 0);
    return new FeedForwardSpec.Dense(width, has("ffn_gate.bias"), new ActivationSpec.Gated(Op.Activation.SILU));
  }

  private boolean has(String name) {
    return file.tensors().containsKey(GgufNames.block(layer) + name);
  }

  private FeedForwardSpec routed() {
    int experts = keys.count("expert_count");
    int width = keys.has("expert_feed_forward_length")
        ? keys.count("expert_feed_forward_length", layer, layers, 0)
        : GgufArchitecture.size(file, file.tensor(GgufNames.block(layer) + "ffn_up_exps.weight"), 1);
    RoutingSpec routing = routing(experts);
    return new FeedForwardSpec.Routed(
        experts, width, has("ffn_gate_exps.bias"), architecture.activation(), routing, shared());
  }

  private FeedForwardSpec.@Nullable Shared shared() {
    GgufTensor up = file.tensors().get(GgufNames.block(layer) + "ffn_up_shexp.weight");
    return up == null ? null
        : new FeedForwardSpec.Shared(GgufArchitecture.size(file, up, 0), has("ffn_gate_inp_shexp.weight"));
  }

  private RoutingSpec routing(int experts) {
    int used = keys.count("expert_used_count");
    Score score = score();
    Groups groups = groups(experts, score);
    boolean renormalise = keys.flag("expert_weights_norm", switch (architecture) {
      case LLAMA, QWEN3MOE, GLM4MOE -> true;
      case QWEN2, QWEN2MOE, QWEN3, OLMOE, DEEPSEEK2, GPT_OSS, GRANITE, SMOLLM3, OLMO2, PHI3, SEED_OSS, ERNIE4_5 ->
          false;
    });
    double scale = keys.real("expert_weights_scale", 1);
    var routing = new RoutingSpec(used, score, has("ffn_gate_inp.bias"), has("exp_probs_b.bias") || has("exp_probs_b"),
        groups, renormalise, score == Score.SIGMOID ? 1e-20 : 0, scale == 0 ? 1 : scale);
    if (used > routing.reachable(experts)) {
      throw keys.broken("expert_used_count", "is " + used + " of " + routing.reachable(experts) + " experts");
    }
    return routing;
  }

  private Score score() {
    int function = keys.countOrZero("expert_gating_func");
    return switch (function) {
      case 0 -> switch (architecture) {
        case GLM4MOE -> Score.SIGMOID;
        case GPT_OSS -> Score.SOFTMAX_OF_CHOSEN;
        case LLAMA, QWEN2, QWEN2MOE, QWEN3, QWEN3MOE, OLMOE, DEEPSEEK2, GRANITE, SMOLLM3, OLMO2, PHI3, SEED_OSS,
            ERNIE4_5 -> Score.SOFTMAX;
      };
      case 1 -> Score.SOFTMAX;
      case 2 -> Score.SIGMOID;
      case 3 -> Score.SOFTMAX_OF_CHOSEN;
      case 4 -> Score.SQRT_SOFTPLUS;
      default -> throw new UnsupportedModelException(file.name() + ": expert_gating_func " + function
          + " is not supported; supported are 1 (softmax), 2 (sigmoid), 3 (softmax of the chosen), 4 (sqrt softplus)");
    };
  }

  private @Nullable Groups groups(int experts, Score score) {
    int count = keys.count("expert_group_count", 1);
    int chosen = keys.count("expert_group_used_count", count);
    // As the models do it: V2 looks at the best expert of a group, V3 at the best two.
    Groups groups = count == chosen ? null
        : score == Score.SOFTMAX ? new Groups(count, chosen, GroupScore.BEST, 0)
        : new Groups(count, chosen, GroupScore.SUM_OF_BEST_TWO, Double.NEGATIVE_INFINITY);
    if (chosen > count || experts % count != 0 || groups != null && !groups.divide(experts)) {
      throw keys.broken(
          "expert_group_count", "makes " + count + " groups of " + experts + " experts and uses " + chosen);
    }
    return groups;
  }
}
