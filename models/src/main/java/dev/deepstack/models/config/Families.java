package dev.deepstack.models.config;

import static dev.deepstack.models.config.ConfigReader.activation;

import dev.deepstack.models.ActivationSpec;
import dev.deepstack.models.AttentionSpec.Biases;
import dev.deepstack.models.AttentionSpec.QkNorm;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderSpec.Scales;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.FeedForwardSpec.Dense;
import dev.deepstack.models.FeedForwardSpec.Routed;
import dev.deepstack.models.FeedForwardSpec.Shared;
import dev.deepstack.models.LayerSpec.Norms;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.models.RoutingSpec;
import dev.deepstack.models.RoutingSpec.GroupScore;
import dev.deepstack.models.RoutingSpec.Score;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import org.jspecify.annotations.Nullable;

/// What each `model_type` makes of the keys of its config. Defaults are those of transformers 5.
final class Families {
  private Families() {}

  static DecoderSpec describe(ConfigNode c) {
    String type = c.text("model_type", "");
    return switch (type) {
      case "llama" -> llama(c);
      case "mistral" -> mistral(c);
      case "qwen2" -> qwenDense(c, Biases.QKV, QkNorm.NONE, 0);
      case "qwen3" -> qwenDense(c, all(c.flag("attention_bias", false)), QkNorm.PER_HEAD, 128);
      case "qwen2_moe" -> qwen2Moe(c);
      case "qwen3_moe" -> qwen3Moe(c);
      case "mixtral" -> mixtral(c);
      case "olmoe" -> olmoe(c);
      case "deepseek_v2" -> deepseekV2(c);
      case "deepseek_v3", "kimi_k2" -> deepseekV3(c);
      case "gpt_oss" -> gptOss(c);
      case "glm4_moe" -> glm4Moe(c);
      case "ministral" -> ministral(c);
      case "phi3" -> phi3(c);
      case "smollm3" -> smollm3(c);
      case "granite" -> granite(c);
      case "olmo2" -> olmo2(c);
      case "olmo3" -> olmo3(c);
      case "gemma" -> gemma(c);
      case "gemma2" -> gemma2(c);
      case "gemma3_text" -> gemma3(c);
      case "seed_oss" -> seedOss(c);
      case "ernie4_5" -> ernie(c);
      case "exaone4" -> exaone4(c);
      case "dots1" -> dots1(c);
      case "" -> throw c.broken("has no \"model_type\"");
      default -> throw new UnsupportedModelException(c.source() + ": model_type \"" + type
          + "\" is not supported; supported are llama, mistral, qwen2, qwen3, qwen2_moe, qwen3_moe, mixtral, olmoe,"
          + " deepseek_v2, deepseek_v3, kimi_k2, gpt_oss, glm4_moe, ministral, phi3, smollm3, granite, olmo2, olmo3,"
          + " gemma, gemma2, gemma3_text, seed_oss, ernie4_5, exaone4, dots1");
    };
  }

  private static Biases all(boolean bias) {
    return bias ? Biases.ALL : Biases.NONE;
  }

  private static DecoderSpec llama(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false)));
    Dense dense = dense(c, c.flag("mlp_bias", false));
    return r.spec(_ -> attention.window(0), _ -> dense);
  }

  private static DecoderSpec mistral(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    var attention = r.grouped(0);
    int window = c.mentions("sliding_window") ? c.count("sliding_window", 0) : 4096;
    Dense dense = dense(c, false);
    return r.spec(_ -> attention.window(window), _ -> dense);
  }

  private static DecoderSpec qwenDense(ConfigNode c, Biases biases, QkNorm norm, int headDim) {
    var r = new ConfigReader(c, 1e-6);
    var attention = r.grouped(headDim).biases(biases).qkNorm(norm);
    int first = c.countOrZero("max_window_layers", 28);
    int[] windows = r.windows(i -> i >= first, slidingWindow(c));
    Dense dense = dense(c, false);
    return r.spec(i -> attention.window(windows[i]), _ -> dense);
  }

  /// The window of Qwen models, which only counts when it is switched on.
  private static int slidingWindow(ConfigNode c) {
    return c.flag("use_sliding_window", false) ? c.count("sliding_window", 4096) : 0;
  }

  private static DecoderSpec qwen2Moe(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    var attention = r.grouped(0).biases(c.flag("qkv_bias", true) ? Biases.QKV : Biases.NONE);
    int end = c.countOrZero("max_window_layers", 28);
    int[] windows = r.windows(i -> i % 2 == 0 && i < end, slidingWindow(c));
    var shared = new Shared(c.count("shared_expert_intermediate_size"), true);
    return r.spec(i -> attention.window(windows[i]), qwenLayers(c, shared));
  }

  private static DecoderSpec qwen3Moe(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false))).qkNorm(QkNorm.PER_HEAD);
    int window = slidingWindow(c);
    return r.spec(_ -> attention.window(window), qwenLayers(c, null));
  }

  private static IntFunction<FeedForwardSpec> qwenLayers(ConfigNode c, @Nullable Shared shared) {
    int step = c.count("decoder_sparse_step", 1);
    List<Integer> dense = c.numbers("mlp_only_layers");
    Routed routed = softmaxExperts(c, c.count("moe_intermediate_size"), c.flag("norm_topk_prob", false), shared);
    return i -> dense.contains(i) || (i + 1) % step != 0 ? dense(c, false) : routed;
  }

  private static DecoderSpec mixtral(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5, 1e6);
    var attention = r.grouped(0);
    int window = c.countOrZero("sliding_window", 0);
    Routed routed = softmaxExperts(c, c.count("intermediate_size"), true, null);
    return r.spec(_ -> attention.window(window), _ -> routed);
  }

  private static DecoderSpec olmoe(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5);
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false))).qkNorm(QkNorm.FULL)
        .clip(c.has("clip_qkv") ? c.positive("clip_qkv", 0) : null);
    Routed routed = softmaxExperts(c, c.count("intermediate_size"), c.flag("norm_topk_prob", false), null);
    return r.spec(_ -> attention.window(0), _ -> routed);
  }

  private static DecoderSpec deepseekV2(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    String method = c.text("topk_method", "greedy");
    r.requireOneOf("topk_method", method, "greedy", "group_limited_greedy");
    r.requireOneOf("scoring_func", c.text("scoring_func", "softmax"), "softmax");
    var groups = method.equals("greedy") ? null : r.groups(GroupScore.BEST, 0);
    var routing = new RoutingSpec(c.count("num_experts_per_tok"), Score.SOFTMAX, false, false, groups, false, 0,
        c.real("routed_scaling_factor", 1));
    return r.spec(r.latent(true, true), deepseekLayers(r, c, routing, c.flag("mlp_bias", false)));
  }

  private static DecoderSpec deepseekV3(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    return r.spec(r.latent(c.flag("rope_interleave", true), false),
        deepseekLayers(r, c, biasedRouting(r, c, 2.5, true), false));
  }

  /// DeepSeek-V3's router, which GLM-4.5 has too.
  private static RoutingSpec biasedRouting(ConfigReader r, ConfigNode c, double scale, boolean renormalise) {
    r.requireOneOf("topk_method", c.text("topk_method", "noaux_tc"), "noaux_tc");
    r.requireOneOf("scoring_func", c.text("scoring_func", "sigmoid"), "sigmoid");
    return new RoutingSpec(c.count("num_experts_per_tok"), Score.SIGMOID, false, true,
        r.groups(GroupScore.SUM_OF_BEST_TWO, Double.NEGATIVE_INFINITY), c.flag("norm_topk_prob", renormalise), 1e-20,
        c.real("routed_scaling_factor", scale));
  }

  private static IntFunction<FeedForwardSpec> deepseekLayers(
      ConfigReader r, ConfigNode c, RoutingSpec routing, boolean bias) {
    int first = c.countOrZero("first_k_dense_replace", 0);
    r.requireOneOf("moe_layer_freq", String.valueOf(c.count("moe_layer_freq", 1)), "1");
    int width = c.count("moe_intermediate_size");
    int together = c.countOrZero("n_shared_experts", 0);
    Shared shared = together == 0 ? null : new Shared(Math.multiplyExact(together, width), bias, false);
    Routed routed = ConfigReader.routed(c, c.firstOf("n_routed_experts", "num_local_experts", "num_experts"), width,
        false, activation(c), routing, shared);
    return i -> i < first ? dense(c, bias) : routed;
  }

  private static DecoderSpec gptOss(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5, 150000);
    var attention = r.grouped(64).biases(all(c.flag("attention_bias", true))).sinks();
    int[] windows = r.windows(i -> i % 2 == 0, c.count("sliding_window", 128));
    var routing = new RoutingSpec(c.count(c.firstOf("num_experts_per_tok", "experts_per_token")),
        Score.SOFTMAX_OF_CHOSEN, true, false, null, false, 0, 1);
    var act = new ActivationSpec.SwiGluPlusOne(c.real("swiglu_alpha", 1.702), c.positive("swiglu_limit", 7));
    Routed routed = ConfigReader.routed(c, c.firstOf("num_local_experts", "num_experts"),
        c.count("intermediate_size"), true, act, routing, null);
    return r.spec(i -> attention.window(windows[i]), _ -> routed);
  }

  private static DecoderSpec glm4Moe(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5);
    var attention = r.grouped(0, 0.5).biases(c.flag("attention_bias", false) ? Biases.QKV : Biases.NONE)
        .qkNorm(c.flag("use_qk_norm", false) ? QkNorm.PER_HEAD : QkNorm.NONE);
    return r.spec(_ -> attention.window(0), deepseekLayers(r, c, biasedRouting(r, c, 1, true), false));
  }

  private static DecoderSpec ministral(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    var attention = r.grouped(0);
    int[] windows = r.windows(_ -> true, c.mentions("sliding_window") ? c.countOrZero("sliding_window", 0) : 4096);
    Dense dense = dense(c, false);
    return r.spec(i -> attention.window(windows[i]), _ -> dense);
  }

  private static DecoderSpec phi3(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5);
    var attention = r.grouped(0, 1);
    int window = c.countOrZero("sliding_window", 0);
    Dense dense = dense(c, false);
    return r.spec(_ -> attention.window(window), _ -> dense);
  }

  private static DecoderSpec smollm3(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6, 2e6).tied();
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false)));
    List<Integer> turned = c.numbers("no_rope_layers");
    int interval = c.count("no_rope_layer_interval", 4);
    IntPredicate still = i -> turned.isEmpty() ? (i + 1) % interval == 0 : i >= turned.size() || turned.get(i) == 0;
    int[] windows = r.windows(still, slidingWindow(c));
    Dense dense = dense(c, c.flag("mlp_bias", false));
    return r.spec(i -> still.test(i) ? attention.window(windows[i], RopeSpec.none()) : attention.window(windows[i]),
        _ -> dense);
  }

  private static DecoderSpec granite(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6).scales(new Scales(c.positive("embedding_multiplier", 1),
        c.positive("residual_multiplier", 1), 1 / c.positive("logits_scaling", 1), 0, 0));
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false)))
        .scale(c.positive("attention_multiplier", 1));
    Dense dense = dense(c, c.flag("mlp_bias", false));
    return r.spec(_ -> attention.window(0), _ -> dense);
  }

  private static DecoderSpec olmo2(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5).norms(Norms.AFTER);
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false))).qkNorm(QkNorm.FULL);
    Dense dense = dense(c, false);
    return r.spec(_ -> attention.window(0), _ -> dense);
  }

  private static DecoderSpec olmo3(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5, 500000).norms(Norms.AFTER);
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false))).qkNorm(QkNorm.FULL);
    int[] windows = r.windows(i -> (i + 1) % 4 != 0, c.count("sliding_window", 4096));
    Dense dense = dense(c, false);
    return r.spec(i -> attention.window(windows[i],
        r.rope(windows[i] > 0, attention.headDim(), "rope_theta", 500000)), _ -> dense);
  }

  /// What all Gemma models do to embeddings and norms.
  private static Scales gemmaScales(ConfigNode c) {
    return new Scales(Math.sqrt(c.count("hidden_size")), 1, 1, c.real("final_logit_softcapping", 0), 1);
  }

  private static DecoderSpec gemma(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6).tied().scales(gemmaScales(c));
    var attention = r.grouped(256).biases(all(c.flag("attention_bias", false)));
    // Older configs say gelu in hidden_act and mean what hidden_activation says.
    Dense dense = new Dense(c.count("intermediate_size"), false,
        activation(c, c.firstOf("hidden_activation", "hidden_act"), "gelu_pytorch_tanh"));
    return r.spec(_ -> attention.window(0), _ -> dense);
  }

  private static DecoderSpec gemma2(ConfigNode c) {
    // A cap that the config does not mention is the family's.
    Scales scales = gemmaScales(c).withLogitCap(
        c.mentions("final_logit_softcapping") ? c.real("final_logit_softcapping", 0) : 30);
    var r = new ConfigReader(c, 1e-6).tied().norms(Norms.AROUND).scales(scales);
    var attention = r.grouped(256).biases(all(c.flag("attention_bias", false)))
        .scale(1 / Math.sqrt(c.positive("query_pre_attn_scalar", 256)))
        .cap(c.mentions("attn_logit_softcapping") ? c.real("attn_logit_softcapping", 0) : 50);
    int[] windows = r.windows(i -> i % 2 == 0, c.count("sliding_window", 4096));
    Dense dense = new Dense(c.count("intermediate_size"), false,
        activation(c, c.firstOf("hidden_activation", "hidden_act"), "gelu_pytorch_tanh"));
    return r.spec(i -> attention.window(windows[i]), _ -> dense);
  }

  private static DecoderSpec gemma3(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6, 1e6).tied().norms(Norms.AROUND).scales(gemmaScales(c));
    boolean both = c.flag("use_bidirectional_attention", false);
    r.requireOneOf("use_bidirectional_attention", String.valueOf(both), "false");
    var attention = r.grouped(256).biases(all(c.flag("attention_bias", false))).qkNorm(QkNorm.PER_HEAD)
        .scale(1 / Math.sqrt(c.positive("query_pre_attn_scalar", 256))).cap(c.real("attn_logit_softcapping", 0));
    int pattern = c.count("sliding_window_pattern", 6);
    int[] windows = r.windows(i -> (i + 1) % pattern != 0, c.count("sliding_window", 4096));
    Dense dense = new Dense(c.count("intermediate_size"), false,
        activation(c, "hidden_activation", "gelu_pytorch_tanh"));
    return r.spec(i -> attention.window(windows[i],
        r.rope(windows[i] > 0, attention.headDim(), "rope_local_base_freq", 10000)), _ -> dense);
  }

  private static DecoderSpec seedOss(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    boolean bias = c.flag("attention_bias", true);
    var attention = r.grouped(128).biases(new Biases(bias, bias, bias, c.flag("attention_out_bias", false)));
    Dense dense = dense(c, c.flag("mlp_bias", false));
    return r.spec(_ -> attention.window(0), _ -> dense);
  }

  private static DecoderSpec ernie(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5, 500000).tied();
    boolean bias = c.flag("use_bias", false);
    var attention = r.interleaved(128).biases(all(bias));
    Dense dense = dense(c, bias);
    return r.spec(_ -> attention.window(0), _ -> dense);
  }

  private static DecoderSpec exaone4(ConfigNode c) {
    var r = new ConfigReader(c, 1e-5).norms(Norms.AFTER);
    var attention = r.grouped(0).qkNorm(QkNorm.PER_HEAD);
    int window = c.mentions("sliding_window") ? c.countOrZero("sliding_window", 0) : 4096;
    int[] windows = r.windows(i -> (i + 1) % c.count("sliding_window_pattern", 4) != 0, window);
    Dense dense = dense(c, false);
    // Layers that see everything know no positions, where there are others.
    return r.spec(i -> window > 0 && windows[i] == 0 ? attention.window(0, RopeSpec.none())
        : attention.window(windows[i]), _ -> dense);
  }

  private static DecoderSpec dots1(ConfigNode c) {
    var r = new ConfigReader(c, 1e-6);
    var attention = r.grouped(0).biases(all(c.flag("attention_bias", false))).qkNorm(QkNorm.PER_HEAD);
    int window = c.mentions("sliding_window") ? c.countOrZero("sliding_window", 0) : 4096;
    int first = c.countOrZero("max_window_layers", 62);
    int[] windows = r.windows(i -> i >= first, window);
    IntFunction<FeedForwardSpec> layers = deepseekLayers(r, c, biasedRouting(r, c, 1, false), false);
    return r.spec(i -> attention.window(windows[i]), layers);
  }

  private static Dense dense(ConfigNode c, boolean bias) {
    return new Dense(c.count("intermediate_size"), bias, activation(c));
  }

  private static Routed softmaxExperts(ConfigNode c, int width, boolean renormalise, @Nullable Shared shared) {
    var routing =
        new RoutingSpec(c.count("num_experts_per_tok"), Score.SOFTMAX, false, false, null, renormalise, 0, 1);
    return ConfigReader.routed(c, c.firstOf("num_experts", "num_local_experts"), width, false, activation(c), routing,
        shared);
  }
}
