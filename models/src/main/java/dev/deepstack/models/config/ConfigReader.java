package dev.deepstack.models.config;

import dev.deepstack.ir.Op;
import dev.deepstack.models.ActivationSpec;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.AttentionSpec.Biases;
import dev.deepstack.models.AttentionSpec.QkNorm;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderSpec.Scales;
import dev.deepstack.models.DecoderSpec.Tokens;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.LayerSpec;
import dev.deepstack.models.LayerSpec.Norms;
import dev.deepstack.models.RopeScaling;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.models.RoutingSpec;
import dev.deepstack.models.RoutingSpec.GroupScore;
import dev.deepstack.models.RoutingSpec.Groups;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.IntFunction;
import java.util.function.IntPredicate;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// The keys that many families share, and the checks that they fit each other.
final class ConfigReader {
  private static final int LAYERS_MAX = 10_000;
  /// DeepSeek's norms of latents do not follow the config.
  private static final double LATENT_EPS = 1e-6;

  private final ConfigNode c;
  private final double eps;
  private final int hidden;
  private final int heads;
  private final int layers;
  private final double theta;
  private final RopeConfig rope;
  private Norms norms = Norms.BEFORE;
  private boolean tied;
  private Scales scales = Scales.NONE;

  /// @param eps of the family when the config has none
  ConfigReader(ConfigNode c, double eps) {
    this(c, eps, 10000);
  }

  /// @param theta the family's base of rotary frequencies when the config has none
  ConfigReader(ConfigNode c, double eps, double theta) {
    this.c = c;
    this.eps = c.positive("rms_norm_eps", eps);
    hidden = c.count("hidden_size");
    heads = c.count("num_attention_heads");
    layers = c.count("num_hidden_layers");
    if (layers > LAYERS_MAX) {
      throw c.broken("says num_hidden_layers is " + layers + ", more than any model has");
    }
    this.theta = theta;
    rope = new RopeConfig(c, theta);
  }

  /// Norms of layers elsewhere than before each half.
  ConfigReader norms(Norms other) {
    norms = other;
    return this;
  }

  /// The head is the embedding's matrix unless the config says otherwise.
  ConfigReader tied() {
    tied = true;
    return this;
  }

  ConfigReader scales(Scales other) {
    scales = other;
    return this;
  }

  int hidden() {
    return hidden;
  }

  /// The whole decoder from what each layer is.
  DecoderSpec spec(IntFunction<AttentionSpec> attention, IntFunction<FeedForwardSpec> feedForward) {
    var list = new ArrayList<LayerSpec>();
    for (int i = 0; i < layers; i++) {
      list.add(new LayerSpec(attention.apply(i), feedForward.apply(i), norms));
    }
    List<Integer> bos = c.numbers("bos_token_id");
    var tokens = new Tokens(bos.isEmpty() ? null : bos.getFirst(), c.numbers("eos_token_id"));
    var quantization = new QuantizationConfig(c);
    return new DecoderSpec(c.text("model_type", ""), c.count("vocab_size"), hidden, c.count("max_position_embeddings"),
        eps, c.flag("tie_word_embeddings", tied), c.countOrZero("num_nextn_predict_layers", 0), scales, tokens,
        quantization.storage(), list, quantization.missing());
  }

  /// @param headDim the family's width of a head when the config has none; 0 for an equal share of the hidden width
  GroupedConfig grouped(int headDim) {
    GroupedConfig all = grouped(headDim, 1);
    if (rope.rotatedPart(1) != 1) {
      throw new UnsupportedModelException(c.source() + ": partial_rotary_factor " + rope.rotatedPart(1)
          + " is not supported for " + c.text("model_type", ""));
    }
    return all;
  }

  /// @param rotated the family's rotated part of a head when the config has none
  GroupedConfig grouped(int headDim, double rotated) {
    return grouped(headDim, rotated, rope, Op.RopeLayout.HALVES);
  }

  GroupedConfig interleaved(int headDim) {
    return grouped(headDim, 1, rope, Op.RopeLayout.INTERLEAVED);
  }

  private GroupedConfig grouped(int headDim, double rotated, RopeConfig rope, Op.RopeLayout layout) {
    int width = headDim > 0 ? headDim : share();
    if (c.has("head_dim")) {
      width = c.count("head_dim");
    }
    if (width == 0) {
      throw c.broken("says hidden_size is " + hidden + " and num_attention_heads " + heads
          + ", which does not divide it, and has no head_dim");
    }
    int kvHeads = c.count("num_key_value_heads", heads);
    if (heads % kvHeads != 0) {
      throw c.broken("says num_attention_heads is " + heads + ", not a multiple of num_key_value_heads " + kvHeads);
    }
    RopeSpec positions = rope.spec((int) (width * rope.rotatedPart(rotated)), layout);
    return new GroupedConfig(kvHeads, width, positions);
  }

  /// The rotation of layers of one type, where types have their own.
  ///
  /// @param sliding of layers that see a window; the others have what older configs say of all
  /// @param older the key of the base of `sliding` in older configs
  RopeSpec rope(boolean sliding, int dims, String older, double usual) {
    String type = sliding ? "sliding_attention" : "full_attention";
    ConfigNode all = c.object("rope_parameters");
    if (all != null && all.has(type)) {
      return new RopeConfig(c, sliding ? usual : theta, all.object(type)).spec(dims, Op.RopeLayout.HALVES);
    }
    return sliding ? RopeSpec.first(dims, Op.RopeLayout.HALVES, c.positive(older, usual), new RopeScaling.None())
        : rope.spec(dims, Op.RopeLayout.HALVES);
  }

  private int share() {
    return hidden % heads == 0 ? hidden / heads : 0;
  }

  /// Attention of one family; what it leaves out stays away.
  final class GroupedConfig {
    private final int kvHeads;
    private final int headDim;
    private final RopeSpec positions;
    private Biases biases = Biases.NONE;
    private QkNorm qkNorm = QkNorm.NONE;
    private @Nullable Double clip;
    private boolean sinks;
    private double scale;
    private double cap;

    private GroupedConfig(int kvHeads, int headDim, RopeSpec positions) {
      this.kvHeads = kvHeads;
      this.headDim = headDim;
      this.positions = positions;
      scale = 1 / Math.sqrt(headDim);
    }

    int headDim() {
      return headDim;
    }

    GroupedConfig cap(double other) {
      cap = other;
      return this;
    }

    GroupedConfig scale(double other) {
      scale = other;
      return this;
    }

    GroupedConfig biases(Biases other) {
      biases = other;
      return this;
    }

    GroupedConfig qkNorm(QkNorm other) {
      qkNorm = other;
      return this;
    }

    GroupedConfig clip(@Nullable Double other) {
      clip = other;
      return this;
    }

    GroupedConfig sinks() {
      sinks = true;
      return this;
    }

    /// The attention of a layer that sees this many positions; 0 for all.
    AttentionSpec window(int window) {
      return window(window, positions);
    }

    /// @param turned the positions of this layer
    AttentionSpec window(int window, RopeSpec turned) {
      return new AttentionSpec.Grouped(heads, kvHeads, headDim, biases, qkNorm, clip, sinks, window, scale, cap,
          turned);
    }
  }

  /// Latent attention, the same in all layers.
  ///
  /// @param forgotten see [RopeConfig#softmaxFactor]
  IntFunction<AttentionSpec> latent(boolean interleaved, boolean forgotten) {
    int nope = c.count("qk_nope_head_dim");
    int turned = c.count("qk_rope_head_dim");
    double scale = 1 / Math.sqrt(nope + turned) * rope.softmaxFactor(forgotten);
    RopeSpec positions = rope.spec(turned, interleaved ? Op.RopeLayout.INTERLEAVED : Op.RopeLayout.HALVES);
    var latent = new AttentionSpec.Latent(heads, c.countOrZero("q_lora_rank", 0), c.count("kv_lora_rank"), nope, turned,
        c.count("v_head_dim"), c.flag("attention_bias", false), LATENT_EPS, 0, scale, positions);
    return _ -> latent;
  }

  /// The window of each layer: as `layer_types` says, or else where `sliding` holds.
  int[] windows(IntPredicate sliding, int window) {
    List<String> types = c.texts("layer_types");
    if (types.isEmpty()) {
      return IntStream.range(0, layers).map(i -> sliding.test(i) ? window : 0).toArray();
    }
    if (types.size() != layers) {
      throw c.broken("lists " + types.size() + " layer_types for " + layers + " layers");
    }
    return types.stream().mapToInt(type -> window(type, window)).toArray();
  }

  private int window(String type, int window) {
    return switch (type) {
      case "full_attention" -> 0;
      case "sliding_attention" -> {
        if (window == 0) {
          throw c.broken("has layers of sliding_attention but no sliding_window");
        }
        yield window;
      }
      default -> throw new UnsupportedModelException(c.source() + ": layer type \"" + type
          + "\" is not supported; supported are full_attention and sliding_attention");
    };
  }

  /// Groups of experts, or null when there is one.
  @Nullable Groups groups(GroupScore score, double masked) {
    int count = c.count("n_group", 1);
    int chosen = c.count("topk_group", count);
    if (chosen > count) {
      throw c.broken("says topk_group is " + chosen + " of " + count + " groups");
    }
    return count == chosen ? null : new Groups(count, chosen, score, masked);
  }

  /// Routed experts, when their numbers fit.
  static FeedForwardSpec.Routed routed(ConfigNode c, String experts, int width, boolean bias,
      ActivationSpec activation, RoutingSpec routing, FeedForwardSpec.@Nullable Shared shared) {
    int count = c.count(experts);
    Groups groups = routing.groups();
    if (groups != null && !groups.divide(count)) {
      throw c.broken("says there are " + count + " experts, which do not make " + groups.count() + " groups");
    }
    int reachable = routing.reachable(count);
    if (routing.perToken() > reachable) {
      throw c.broken("says each token gets " + routing.perToken() + " of " + reachable + " experts");
    }
    return new FeedForwardSpec.Routed(count, width, bias, activation, routing, shared);
  }

  static ActivationSpec activation(ConfigNode c) {
    return activation(c, "hidden_act", "silu");
  }

  static ActivationSpec activation(ConfigNode c, String key, String usual) {
    String name = c.text(key, usual);
    return new ActivationSpec.Gated(switch (name) {
      case "silu", "swish" -> Op.Activation.SILU;
      case "gelu" -> Op.Activation.GELU;
      case "gelu_new", "gelu_pytorch_tanh" -> Op.Activation.GELU_TANH;
      case "relu" -> Op.Activation.RELU;
      default -> throw new UnsupportedModelException(
          c.source() + ": " + key + " \"" + name + "\" is not supported; supported are silu, gelu, gelu_new, relu");
    });
  }

  /// @throws UnsupportedModelException when `value` is none of those known
  void requireOneOf(String key, String value, String... known) {
    if (!Arrays.asList(known).contains(value)) {
      throw new UnsupportedModelException(c.source() + ": " + key + " \"" + value + "\" is not supported for "
          + c.text("model_type", "") + "; supported: " + String.join(", ", known));
    }
  }
}
