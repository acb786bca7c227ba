package dev.deepstack.planner.model;

import dev.deepstack.models.config.DecoderConfig;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// Reads the shape of a decoder from a `config.json`, or from the short form of published tables. Families that the
/// compiler describes are read by the compiler's reader; this one adds what costs can be counted of without a graph:
/// sparse, compressed and linear attention, latent experts, shortcuts.
public final class ConfigReader {
  private static final int SIZE_MAX = 1 << 24;

  private final String name;
  private final JsonNode config;

  private ConfigReader(String name, JsonNode config) {
    this.name = name;
    this.config = config;
  }

  /// Reads one description.
  ///
  /// @throws MalformedModelException where a needed number is missing or absurd
  public static ModelShape read(String name, JsonNode description) {
    if (!description.isObject()) {
      throw new MalformedModelException("the description of " + name + " is not a JSON object");
    }
    if (description.has("total_b") && !description.has("hidden_size")) {
      return SummaryReader.read(name, description);
    }
    JsonNode nested = description.get("text_config");
    JsonNode config = nested != null && nested.isObject() ? nested : description;
    if (config.path("model_type").stringValue("").isEmpty()) {
      return new ConfigReader(name, config).shape();
    }
    ModelShape shape = described(name, config);
    return config.has("confidence") ? shape.withConfidence(config.path("confidence").asString("high")) : shape;
  }

  /// By the compiler's reader, which wants one number that costs do not depend on; families and forms that it does not
  /// support can still be counted.
  private static ModelShape described(String name, JsonNode config) {
    JsonNode whole = config;
    if (!config.has("max_position_embeddings") && config instanceof ObjectNode object) {
      whole = object.deepCopy().put("max_position_embeddings", 1 << 20);
    }
    try {
      return SpecShapes.of(name, DecoderConfig.describe(name, whole.toString()));
    } catch (UnsupportedModelException _) {
      return new ConfigReader(name, config).shape();
    }
  }

  private ModelShape shape() {
    int hidden = need("hidden_size");
    int depth = need("num_hidden_layers");
    int vocab = get(32_000, "vocab_size");
    var layers = new ArrayList<Layer>();
    for (int i = 0; i < depth; i++) {
      layers.addAll(layer(i, depth, hidden));
    }
    int draft = get(0, "num_nextn_predict_layers", "mtp_num_layers");
    return new ModelShape(name, hidden, vocab, Layer.merged(layers), draft, flag("tie_word_embeddings"),
        config.path("confidence").asString("high"));
  }

  private List<Layer> layer(int i, int depth, int hidden) {
    Attention attention = attention(i, depth, hidden);
    Feed feed = feed(i, hidden);
    int streams = get(1, "hc_mult");
    char block = block(i);
    if (block != ' ') {
      var none = new Feed(0, 0, 0, 0, 0, hidden, 2);
      return List.of(switch (block) {
        case 'M' -> new Layer(1, mamba(hidden), none, 1);
        case '*' -> new Layer(1, grouped(i, hidden), none, 1);
        case '-' -> new Layer(1, new Attention.Linear(hidden, 1, 0, 0),
            new Feed(get(0, "intermediate_size"), 0, 0, 0, 0, hidden, 2), 1);
        default -> new Layer(1, new Attention.Linear(hidden, 1, 0, 0), feed, 1);
      });
    }
    if (get(0, "zero_expert_num") > 0) {
      // A block with a shortcut: two attentions and two dense MLPs beside one set of experts.
      int dense = need("ffn_hidden_size");
      return List.of(new Layer(1, attention, Feed.dense(dense, hidden), 1),
          new Layer(1, attention, new Feed(dense, get(0, "n_routed_experts"), get(0, "zero_expert_num"),
              get(1, "moe_topk", "num_experts_per_tok"), get(0, "expert_ffn_hidden_size"), hidden, 3), 1));
    }
    return List.of(new Layer(1, attention, feed, streams));
  }

  /// What a layer is in models whose layers are either attention, a state space, or an MLP: `*`, `M`, `-`, `E`.
  private char block(int i) {
    String pattern = config.path("hybrid_override_pattern").asString("");
    if (i < pattern.length()) {
      return pattern.charAt(i);
    }
    JsonNode blocks = config.path("layers_block_type");
    String type = blocks.isArray() && i < blocks.size() ? blocks.get(i).asString("") : "";
    return switch (type) {
      case "" -> ' ';
      case "mamba" -> 'M';
      case "attention" -> '*';
      case "mlp" -> '-';
      default -> 'E';
    };
  }

  private Attention attention(int i, int depth, int hidden) {
    JsonNode ratios = config.path("compress_ratios");
    if (ratios.isArray() && ratios.size() >= depth) {
      int ratio = ratios.get(i).asInt(0);
      boolean index = ratio > 0 && ratio <= 16;
      return new Attention.Compressed(hidden, need("num_attention_heads"), need("q_lora_rank"), need("head_dim"),
          get(8, "o_groups"), get(1024, "o_lora_rank"), get(128, "sliding_window"), ratio,
          index ? get(512, "index_topk") : 0, get(64, "index_n_heads"), get(128, "index_head_dim"));
    }
    if (isLinear(i)) {
      return linear(hidden);
    }
    if (get(0, "kv_lora_rank") > 0) {
      return new Attention.Latent(hidden, need("num_attention_heads"), get(0, "q_lora_rank"), need("kv_lora_rank"),
          get(64, "qk_rope_head_dim"), get(128, "qk_nope_head_dim"), get(128, "v_head_dim"), get(0, "index_topk"),
          get(64, "index_n_heads"), get(128, "index_head_dim"));
    }
    return grouped(i, hidden);
  }

  private Attention grouped(int i, int hidden) {
    int heads = need("num_attention_heads");
    int headDim = get(hidden / heads, "head_dim");
    int cacheHeads = get(heads, "num_key_value_heads", "num_attention_groups");
    int window = get(0, "sliding_window");
    JsonNode types = config.path("layer_types");
    String type = types.isArray() && i < types.size() ? types.get(i).asString("") : "";
    if (types.isArray() ? !type.contains("sliding") : !flagOr("use_sliding_window", true)) {
      window = 0;
    }
    if (window == 0 && type.contains("full") && get(0, "global_head_dim") > 0) {
      headDim = get(0, "global_head_dim");
      cacheHeads = get(cacheHeads, "num_global_key_value_heads");
    }
    return new Attention.Grouped(hidden, heads, cacheHeads, headDim, window, flag("attn_output_gate"));
  }

  private boolean isLinear(int i) {
    JsonNode types = config.path("layer_types");
    if (types.isArray() && i < types.size()) {
      String type = types.get(i).asString("");
      return type.contains("linear") || type.contains("mamba");
    }
    int every = get(0, "full_attention_interval", "layer_group_size");
    return every > 1 && (i + 1) % every != 0;
  }

  private Attention linear(int hidden) {
    int valueHeads = get(get(32, "num_attention_heads"), "linear_num_value_heads");
    int keyHeads = get(valueHeads, "linear_num_key_heads");
    int key = get(128, "linear_key_head_dim", "head_dim");
    int value = get(128, "linear_value_head_dim", "head_dim");
    double weights = (double) hidden * (2.0 * keyHeads * key + 3.0 * valueHeads * value + 2.0 * valueHeads);
    return new Attention.Linear(hidden, valueHeads, weights, (double) valueHeads * key * value);
  }

  private Attention mamba(int hidden) {
    int heads = get(64, "mamba_num_heads");
    int dim = get(64, "mamba_head_dim");
    int state = get(128, "ssm_state_size");
    double inner = (double) heads * dim;
    return new Attention.Linear(hidden, heads, hidden * (3 * inner + 2.0 * get(8, "n_groups") * state),
        inner * state);
  }

  private Feed feed(int i, int hidden) {
    int experts = get(0, "n_routed_experts", "num_local_experts", "num_experts", "moe_num_experts");
    int dense = get(0, "intermediate_size", "ffn_hidden_size");
    if (experts == 0 || isDense(i)) {
      return Feed.dense(dense, hidden);
    }
    int inner = get(dense, "moe_intermediate_size", "expert_ffn_hidden_size");
    int topK = get(1, "num_experts_per_tok", "top_k_experts", "moe_topk", "moe_top_k");
    int count = get(0, "n_shared_experts", "num_shared_experts", "moe_num_shared_experts");
    int shared = get(count * inner, "shared_expert_intermediate_size", "moe_shared_expert_intermediate_size",
        "share_expert_dim");
    if (flag("dense_beside_experts")) {
      shared += dense;
    }
    int matrices = config.path("mlp_hidden_act").asString("").contains("relu2") ? 2 : 3;
    return new Feed(shared, experts, 0, topK, inner, get(hidden, "moe_latent_size"), matrices);
  }

  private boolean isDense(int i) {
    if (i < get(0, "first_k_dense_replace")) {
      return true;
    }
    for (JsonNode only : config.path("mlp_only_layers")) {
      if (only.asInt(-1) == i) {
        return true;
      }
    }
    int step = get(1, "decoder_sparse_step", "moe_layer_freq", "interleave_moe_layer_step");
    return step > 1 && (i + 1) % step != 0;
  }

  private boolean flag(String key) {
    return flagOr(key, false);
  }

  private boolean flagOr(String key, boolean otherwise) {
    JsonNode node = config.path(key);
    return node.isBoolean() ? node.booleanValue() : otherwise;
  }

  private int need(String key) {
    int value = get(-1, key);
    if (value < 0) {
      throw new MalformedModelException("the description of " + name + " has no " + key
          + "; give the model's whole config.json");
    }
    return value;
  }

  private int get(int otherwise, String... keys) {
    for (String key : keys) {
      JsonNode node = config.path(key);
      if (node.isNumber()) {
        double value = node.doubleValue();
        if (!(value >= 0 && value <= SIZE_MAX)) {
          throw new MalformedModelException(String.format(Locale.ROOT,
              "%s of %s is %s, which no model has", key, name, node));
        }
        return (int) value;
      }
    }
    return otherwise;
  }
}
