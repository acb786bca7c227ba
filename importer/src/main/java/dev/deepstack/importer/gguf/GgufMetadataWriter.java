package dev.deepstack.importer.gguf;

import dev.deepstack.ir.Op;
import dev.deepstack.models.ActivationSpec;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.LayerSpec;
import dev.deepstack.models.RopeScaling;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.models.RoutingSpec;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// A decoder's description as the metadata of a GGUF file; what the architecture's metadata cannot say is refused.
final class GgufMetadataWriter {
  private final DecoderSpec spec;
  private final GgufArchitecture architecture;
  private final SequencedMap<String, GgufValue> metadata = new LinkedHashMap<>();
  private final List<String> missing = new ArrayList<>();

  GgufMetadataWriter(DecoderSpec spec, String name) {
    this.spec = spec;
    architecture = GgufArchitecture.ofFamily(spec.family());
    metadata.put("general.architecture", GgufValue.of(architecture.text()));
    metadata.put("general.type", GgufValue.of("model"));
    metadata.put("general.name", GgufValue.of(name));
    if (spec.layers().stream().anyMatch(layer -> layer.norms() != architecture.norms())) {
      missing.add("norms elsewhere");
    }
  }

  /// How pairs of rotary elements lie in files of the architecture.
  Op.RopeLayout layout() {
    return architecture.layout();
  }

  /// The norm before the feed-forward layer has one of two names.
  String secondNorm() {
    return switch (architecture) {
      case GPT_OSS, GLM4MOE, SEED_OSS -> "post_attention_norm";
      case LLAMA, QWEN2, QWEN2MOE, QWEN3, QWEN3MOE, OLMOE, DEEPSEEK2, GRANITE, SMOLLM3, OLMO2, PHI3, ERNIE4_5 ->
          "ffn_norm";
    };
  }

  SequencedMap<String, GgufValue> metadata() {
    LayerSpec first = spec.layers().getFirst();
    put("block_count", spec.layers().size());
    put("context_length", spec.contextMax());
    put("embedding_length", spec.hidden());
    put("vocab_size", spec.vocab());
    put("attention.layer_norm_rms_epsilon", GgufValue.of(spec.eps()));
    switch (first.attention()) {
      case AttentionSpec.Grouped a -> grouped(a);
      case AttentionSpec.Latent a -> latent(a);
    }
    scales();
    feedForward();
    Integer bos = spec.tokens().bos();
    if (bos != null) {
      metadata.put("tokenizer.ggml.bos_token_id", GgufValue.of(bos));
    }
    if (!spec.tokens().eos().isEmpty()) {
      metadata.put("tokenizer.ggml.eos_token_id", GgufValue.of(spec.tokens().eos().getFirst()));
    }
    if (spec.tokens().eos().size() > 1) {
      metadata.put("tokenizer.ggml.eot_token_id", GgufValue.of(spec.tokens().eos().get(1)));
    }
    if (!missing.isEmpty()) {
      throw new UnsupportedModelException("GGUF files of the architecture " + architecture.text()
          + " cannot say that the model has " + String.join(", ", missing) + "; run the model as it is");
    }
    return metadata;
  }

  private void put(String key, long value) {
    put(key, GgufValue.of(value));
  }

  private void put(String key, GgufValue value) {
    metadata.put(architecture.text() + "." + key, value);
  }

  private void scales() {
    DecoderSpec.Scales scales = spec.scales();
    if (architecture == GgufArchitecture.GRANITE && scales.logitCap() == 0 && scales.normOffset() == 0) {
      put("embedding_scale", GgufValue.of(scales.embedding()));
      put("residual_scale", GgufValue.of(scales.residual()));
      put("logit_scale", GgufValue.of(1 / scales.logits()));
    } else if (!scales.equals(DecoderSpec.Scales.NONE)) {
      missing.add("scaled values");
    }
  }

  private void grouped(AttentionSpec.Grouped a) {
    put("attention.head_count", a.heads());
    put("attention.head_count_kv", a.kvHeads());
    put("attention.key_length", a.headDim());
    put("attention.value_length", a.headDim());
    if (a.clip() != null) {
      put("attention.clamp_kqv", GgufValue.of(a.clip()));
    }
    if (architecture == GgufArchitecture.GRANITE) {
      put("attention.scale", GgufValue.of(a.scale()));
    } else if (Math.abs(a.scale() * Math.sqrt(a.headDim()) - 1) > 1e-6) {
      missing.add("an attention scale of its own");
    }
    if (a.cap() > 0) {
      missing.add("capped scores");
    }
    boolean alternates = architecture == GgufArchitecture.GPT_OSS;
    for (int i = 0; i < spec.layers().size(); i++) {
      if (!(spec.layers().get(i).attention() instanceof AttentionSpec.Grouped(
          int heads, int kvHeads, int headDim, _, _, _, _, int window, _, _, RopeSpec rope))
          || heads != a.heads() || kvHeads != a.kvHeads() || headDim != a.headDim()
          || !rope.equals(architecture.turns(i) ? a.rope() : RopeSpec.none())) {
        missing.add("layers with different attention");
        break;
      }
      if (alternates ? (i % 2 == 0) != (window > 0) : window > 0 && window < spec.contextMax()) {
        missing.add("sliding windows");
        break;
      }
      if (alternates && i == 0) {
        put("attention.sliding_window", window);
      }
    }
    rope(a.rope(), 0);
  }

  private void latent(AttentionSpec.Latent a) {
    put("attention.head_count", a.heads());
    put("attention.head_count_kv", 1);
    if (a.queryRank() > 0) {
      put("attention.q_lora_rank", a.queryRank());
    }
    put("attention.kv_lora_rank", a.rank());
    put("attention.key_length", a.rank() + a.ropeDim());
    put("attention.value_length", a.rank());
    put("attention.key_length_mla", a.nopeDim() + a.ropeDim());
    put("attention.value_length_mla", a.valueDim());
    if (a.bias()) {
      missing.add("biases of latent attention");
    }
    double square = a.scale() * Math.sqrt(a.nopeDim() + a.ropeDim());
    double magnitude = Math.sqrt(square);
    if (Math.abs(magnitude - 1) < 1e-9) {
      rope(a.rope(), 0);
    } else if (a.rope().scaling() instanceof RopeScaling.Yarn yarn && yarn.factor() > 1) {
      rope(a.rope(), (magnitude - 1) / Math.log(yarn.factor()));
    } else {
      missing.add("an attention scale of its own");
    }
  }

  /// @param multiplier a tenth of YaRN's mscale over all dimensions
  private void rope(RopeSpec rope, double multiplier) {
    put("rope.dimension_count", rope.dims());
    put("rope.freq_base", GgufValue.of(rope.theta()));
    if (rope.layout() != layout() && layout() == Op.RopeLayout.HALVES || rope.last()) {
      missing.add("rotary elements in another order");
    }
    switch (rope.scaling()) {
      case RopeScaling.None _, RopeScaling.Llama3 _, RopeScaling.Table _ -> { }
      case RopeScaling.LongRope _ -> missing.add("two sets of rotary frequencies");
      case RopeScaling.Dynamic _ -> missing.add("dynamic rope scaling");
      case RopeScaling.Linear(double factor) -> {
        put("rope.scaling.type", GgufValue.of("linear"));
        put("rope.scaling.factor", GgufValue.of(factor));
      }
      case RopeScaling.Yarn yarn -> {
        put("rope.scaling.type", GgufValue.of("yarn"));
        put("rope.scaling.factor", GgufValue.of(yarn.factor()));
        put("rope.scaling.original_context_length", Math.round(yarn.original()));
        put("rope.scaling.yarn_beta_fast", GgufValue.of(yarn.betaFast()));
        put("rope.scaling.yarn_beta_slow", GgufValue.of(yarn.betaSlow()));
        double implied = 1;
        if (multiplier != 0) {
          put("rope.scaling.yarn_log_multiplier", GgufValue.of(multiplier));
        } else {
          implied = RopeScaling.Yarn.magnitude(yarn.factor(), 1);
        }
        if (Math.abs(yarn.amplitude() / implied - 1) > 1e-6) {
          put("rope.scaling.attn_factor", GgufValue.of(yarn.amplitude() / implied));
        }
      }
    }
  }

  /// What `rope_freqs.weight` divides frequencies by, or null when there is no such tensor.
  static float @Nullable [] divisors(RopeSpec rope) {
    if (!(rope.scaling() instanceof RopeScaling.Llama3) && !(rope.scaling() instanceof RopeScaling.Table)) {
      return null;
    }
    float[] scaled = rope.inverseFrequencies();
    float[] plain = new RopeSpec(rope.dims(), rope.last(), rope.layout(), rope.theta(), new RopeScaling.None())
        .inverseFrequencies();
    var divisors = new float[plain.length];
    for (int i = 0; i < plain.length; i++) {
      divisors[i] = plain[i] / scaled[i];
    }
    return divisors;
  }

  private void feedForward() {
    int dense = 0;
    FeedForwardSpec.@Nullable Dense any = null;
    FeedForwardSpec.@Nullable Routed routed = null;
    for (LayerSpec layer : spec.layers()) {
      switch (layer.feedForward()) {
        case FeedForwardSpec.Dense d -> {
          any = d;
          dense += routed == null ? 1 : 0;
        }
        case FeedForwardSpec.Routed r -> routed = r;
      }
      activation(layer.feedForward().activation());
    }
    put("feed_forward_length", any != null ? any.width() : routed != null ? routed.width() : 0);
    if (routed == null) {
      return;
    }
    if (dense > 0) {
      put("leading_dense_block_count", dense);
    }
    put("expert_count", routed.experts());
    put("expert_feed_forward_length", routed.width());
    routing(routed.routing());
    FeedForwardSpec.Shared shared = routed.shared();
    if (shared != null) {
      put("expert_shared_feed_forward_length", shared.width());
      if (shared.width() % routed.width() == 0) {
        put("expert_shared_count", shared.width() / routed.width());
      }
    }
  }

  private void activation(ActivationSpec activation) {
    if (!activation.equals(architecture.activation()) && !missing.contains("another activation")) {
      missing.add("another activation");
    }
  }

  private void routing(RoutingSpec routing) {
    put("expert_used_count", routing.perToken());
    put("expert_weights_norm", GgufValue.of(routing.renormalise()));
    if (routing.scale() != 1) {
      put("expert_weights_scale", GgufValue.of(routing.scale()));
    }
    put("expert_gating_func", switch (routing.score()) {
      case SOFTMAX -> 1;
      case SIGMOID -> 2;
      case SOFTMAX_OF_CHOSEN -> 3;
      case SQRT_SOFTPLUS -> 4;
    });
    RoutingSpec.Groups groups = routing.groups();
    if (groups != null) {
      put("expert_group_count", groups.count());
      put("expert_group_used_count", groups.chosen());
    }
  }
}
