package dev.deepstack.importer.gguf;

import dev.deepstack.ir.Op;
import dev.deepstack.models.ActivationSpec;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.AttentionSpec.Biases;
import dev.deepstack.models.AttentionSpec.QkNorm;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderSpec.Storage;
import dev.deepstack.models.DecoderSpec.Tokens;
import dev.deepstack.models.LayerSpec;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The architectures of GGUF files that DeepStack knows, and what their metadata leaves unsaid. What a layer has
/// beside that (biases, norms, experts) is told by the tensors that are there.
enum GgufArchitecture {
  /// Llama, Mistral, Mixtral: the rows of q and k are permuted so that pairs lie side by side.
  LLAMA("llama", Op.RopeLayout.INTERLEAVED),
  QWEN2("qwen2", Op.RopeLayout.HALVES),
  QWEN2MOE("qwen2moe", Op.RopeLayout.HALVES),
  QWEN3("qwen3", Op.RopeLayout.HALVES),
  QWEN3MOE("qwen3moe", Op.RopeLayout.HALVES),
  OLMOE("olmoe", Op.RopeLayout.HALVES),
  /// DeepSeek V2, V3, R1, Kimi K2.
  DEEPSEEK2("deepseek2", Op.RopeLayout.INTERLEAVED),
  GPT_OSS("gpt-oss", Op.RopeLayout.HALVES),
  GLM4MOE("glm4moe", Op.RopeLayout.HALVES),
  /// Values are multiplied on their way; rows are permuted as Llama's.
  GRANITE("granite", Op.RopeLayout.INTERLEAVED),
  /// Every fourth layer knows no positions; rows are permuted as Llama's.
  SMOLLM3("smollm3", Op.RopeLayout.INTERLEAVED),
  /// Norms stand after the halves of a layer.
  OLMO2("olmo2", Op.RopeLayout.HALVES),
  /// q, k and v lie in one tensor, gate and up in another.
  PHI3("phi3", Op.RopeLayout.HALVES),
  SEED_OSS("seed_oss", Op.RopeLayout.HALVES),
  ERNIE4_5("ernie4_5", Op.RopeLayout.INTERLEAVED);

  private static final int LAYERS_MAX = 10_000;
  private static final int STILL_STEP = 4;

  private final String text;
  private final Op.RopeLayout layout;

  GgufArchitecture(String text, Op.RopeLayout layout) {
    this.text = text;
    this.layout = layout;
  }

  /// The decoder of a file; [StoredForm]s are those of its first layer.
  ///
  /// @throws UnsupportedModelException for an architecture, or a part of one, that is not known
  /// @throws MalformedModelException when the metadata contradicts itself or the tensors
  static DecoderSpec describe(GgufFile file) {
    var keys = new GgufKeys(file);
    return Arrays.stream(values()).filter(a -> a.text.equals(keys.architecture())).findFirst()
        .orElseThrow(() -> new UnsupportedModelException(file.name() + ": the architecture \"" + keys.architecture()
            + "\" is not supported; supported are "
            + Arrays.stream(values()).map(a -> a.text).collect(Collectors.joining(", "))))
        .describe(file, keys);
  }

  private DecoderSpec describe(GgufFile file, GgufKeys keys) {
    int extra = keys.countOrZero("nextn_predict_layers");
    int layers = keys.count("block_count") - extra;
    if (layers < 1 || layers > LAYERS_MAX) {
      throw keys.broken("block_count", "leaves " + layers + " layers");
    }
    var layer = new Layers(file, keys, layers);
    var list = new ArrayList<LayerSpec>();
    for (int i = 0; i < layers; i++) {
      AttentionSpec attention = this == DEEPSEEK2 ? layer.latent(i) : layer.grouped(i);
      list.add(new LayerSpec(attention, new GgufFeedForward(this, file, keys, i, layers).spec(), norms()));
    }
    GgufTensor embedding = file.tensor("token_embd.weight");
    int vocab = size(file, embedding, 0);
    return new DecoderSpec(keys.architecture(), vocab, keys.count("embedding_length"), keys.count("context_length"),
        keys.positive("attention.layer_norm_rms_epsilon", 1e-5),
        !file.tensors().containsKey("output.weight"), extra, scales(keys), tokens(file, vocab),
        storage(file), list, List.of());
  }

  /// Where norms stand about the halves of a layer.
  LayerSpec.Norms norms() {
    return this == OLMO2 ? LayerSpec.Norms.AFTER : LayerSpec.Norms.BEFORE;
  }

  /// Whether a layer knows positions.
  boolean turns(int layer) {
    return this != SMOLLM3 || (layer + 1) % STILL_STEP != 0;
  }

  private DecoderSpec.Scales scales(GgufKeys keys) {
    return this != GRANITE ? DecoderSpec.Scales.NONE : new DecoderSpec.Scales(keys.positive("embedding_scale", 1),
        keys.positive("residual_scale", 1), 1 / keys.positive("logit_scale", 1), 0, 0);
  }

  /// The architecture of files of a family, be it Hugging Face's name or that of GGUF itself.
  ///
  /// @throws UnsupportedModelException when there is none
  static GgufArchitecture ofFamily(String family) {
    return switch (family) {
      case "llama", "mistral", "mixtral" -> LLAMA;
      case "qwen2" -> QWEN2;
      case "qwen2_moe", "qwen2moe" -> QWEN2MOE;
      case "qwen3" -> QWEN3;
      case "qwen3_moe", "qwen3moe" -> QWEN3MOE;
      case "olmoe" -> OLMOE;
      case "deepseek_v2", "deepseek_v3", "kimi_k2", "deepseek2" -> DEEPSEEK2;
      case "gpt_oss", "gpt-oss" -> GPT_OSS;
      case "glm4_moe", "glm4moe" -> GLM4MOE;
      case "granite" -> GRANITE;
      case "smollm3" -> SMOLLM3;
      case "olmo2" -> OLMO2;
      case "seed_oss" -> SEED_OSS;
      case "ernie4_5" -> ERNIE4_5;
      default -> throw new UnsupportedModelException(
          "models of the family \"" + family + "\" cannot be written as GGUF files yet");
    };
  }

  /// The name in the file.
  String text() {
    return text;
  }

  /// How pairs of rotary elements lie.
  Op.RopeLayout layout() {
    return layout;
  }

  /// What stands between the matrices of a feed-forward layer.
  ActivationSpec activation() {
    return this == GPT_OSS
        ? new ActivationSpec.SwiGluPlusOne(1.702, 7)
        : new ActivationSpec.Gated(Op.Activation.SILU);
  }

  /// An extent of a tensor as an int.
  static int size(GgufFile file, GgufTensor tensor, int axis) {
    if (axis >= tensor.shape().length || tensor.shape()[axis] > Integer.MAX_VALUE) {
      throw new MalformedModelException(file.name() + ": its tensor " + GgufCursor.quote(tensor.name())
          + " has the shape " + Arrays.toString(tensor.shape()) + ", which fits no decoder; fetch another file");
    }
    return (int) tensor.shape()[axis];
  }

  private static Tokens tokens(GgufFile file, int vocab) {
    GgufMetadata m = file.metadata();
    var end = new ArrayList<Integer>();
    for (String key : List.of("eos_token_id", "eot_token_id", "eom_token_id")) {
      Integer id = token(m.wholeOrNull("tokenizer.ggml." + key), vocab);
      if (id != null && !end.contains(id)) {
        end.add(id);
      }
    }
    return new Tokens(token(m.wholeOrNull("tokenizer.ggml.bos_token_id"), vocab), end);
  }

  private static @Nullable Integer token(@Nullable Long id, int vocab) {
    return id == null || id < 0 || id >= vocab ? null : Integer.valueOf(id.intValue());
  }

  private static Storage storage(GgufFile file) {
    StoredForm other = form(file.tensor("token_embd.weight"));
    StoredForm linear = form(file, "blk.0.attn_output.weight", other);
    StoredForm experts = linear;
    for (GgufTensor tensor : file.tensors().values()) {
      if (tensor.name().endsWith("ffn_up_exps.weight")) {
        experts = form(tensor);
        break;
      }
    }
    return new Storage(linear, experts, form(file, "output.weight", other), other);
  }

  private static StoredForm form(GgufFile file, String name, StoredForm missing) {
    GgufTensor tensor = file.tensors().get(name);
    return tensor == null ? missing : form(tensor);
  }

  /// How a tensor is stored, as room `models` says it.
  static StoredForm form(GgufTensor tensor) {
    var block = tensor.type().block();
    return block == null ? new StoredForm.Plain(tensor.type().dtype()) : new StoredForm.Blocks(block);
  }

  /// The attention of each layer.
  private final class Layers {
    private final GgufFile file;
    private final GgufKeys keys;
    private final int layers;
    private final GgufRope rope;

    Layers(GgufFile file, GgufKeys keys, int layers) {
      this.file = file;
      this.keys = keys;
      this.layers = layers;
      rope = new GgufRope(file, keys);
    }

    private boolean has(int layer, String name) {
      return file.tensors().containsKey(GgufNames.block(layer) + name);
    }

    AttentionSpec grouped(int layer) {
      int heads = keys.count("attention.head_count", layer, layers, 0);
      int kvHeads = keys.count("attention.head_count_kv", layer, layers, heads);
      int hidden = keys.count("embedding_length");
      if (heads % kvHeads != 0 || !keys.has("attention.key_length") && hidden % heads != 0) {
        throw keys.broken("attention.head_count", "is " + heads + ", which fits neither " + kvHeads
            + " heads of keys nor the width " + hidden);
      }
      int headDim = keys.count("attention.key_length", hidden / heads);
      int valueDim = keys.count("attention.value_length", headDim);
      if (valueDim != headDim) {
        throw new UnsupportedModelException(file.name() + ": values of " + valueDim + " elements beside keys of "
            + headDim + " are not supported for " + text);
      }
      int rotated = keys.count("rope.dimension_count", headDim);
      if (rotated > headDim) {
        throw keys.broken("rope.dimension_count", "is " + rotated + ", more than a head of " + headDim);
      }
      var biases = new Biases(has(layer, "attn_q.bias"), has(layer, "attn_k.bias"), has(layer, "attn_v.bias"),
          has(layer, "attn_output.bias"));
      Double clip = keys.has("attention.clamp_kqv") && keys.real("attention.clamp_kqv", 0) > 0
          ? Double.valueOf(keys.positive("attention.clamp_kqv", 1)) : null;
      return new AttentionSpec.Grouped(heads, kvHeads, headDim, biases, qkNorm(layer), clip,
          this.sinks(), window(layer), keys.positive("attention.scale", 1 / Math.sqrt(headDim)), 0,
          turns(layer) ? rope.spec(rotated, layout) : RopeSpec.none());
    }

    private QkNorm qkNorm(int layer) {
      return switch (GgufArchitecture.this) {
        case QWEN3, QWEN3MOE -> QkNorm.PER_HEAD;
        case OLMOE, OLMO2 -> QkNorm.FULL;
        case GLM4MOE -> has(layer, "attn_q_norm.weight") ? QkNorm.PER_HEAD : QkNorm.NONE;
        case LLAMA, QWEN2, QWEN2MOE, DEEPSEEK2, GPT_OSS, GRANITE, SMOLLM3, PHI3, SEED_OSS, ERNIE4_5 -> QkNorm.NONE;
      };
    }

    private boolean sinks() {
      return GgufArchitecture.this == GPT_OSS;
    }

    /// gpt-oss looks at a window in every other layer, the first among them.
    private int window(int layer) {
      return switch (GgufArchitecture.this) {
        case GPT_OSS -> layer % 2 == 0 ? keys.count("attention.sliding_window") : 0;
        case PHI3 -> keys.countOrZero("attention.sliding_window");
        case OLMO2 -> {
          if (keys.has("attention.sliding_window")) {
            throw new UnsupportedModelException(file.name() + ": sliding windows are not supported for " + text
                + " files; run the model from its checkpoint folder");
          }
          yield 0;
        }
        case LLAMA, QWEN2, QWEN2MOE, QWEN3, QWEN3MOE, OLMOE, DEEPSEEK2, GLM4MOE, GRANITE, SMOLLM3, SEED_OSS,
            ERNIE4_5 -> 0;
      };
    }

    AttentionSpec latent(int layer) {
      int heads = keys.count("attention.head_count", layer, layers, 0);
      int rank = keys.count("attention.kv_lora_rank");
      int turned = keys.count("rope.dimension_count");
      int key = keys.count(keys.has("attention.key_length_mla") ? "attention.key_length_mla" : "attention.key_length");
      int value = keys.count(
          keys.has("attention.value_length_mla") ? "attention.value_length_mla" : "attention.value_length");
      if (key <= turned) {
        throw keys.broken("attention.key_length", "is " + key + ", not more than the " + turned + " rotary elements");
      }
      GgufTensor low = file.tensors().get(GgufNames.block(layer) + "attn_q_a.weight");
      double scale = rope.softmaxFactor() / Math.sqrt(key);
      return new AttentionSpec.Latent(heads, low == null ? 0 : size(file, low, 0), rank, key - turned, turned, value,
          false, keys.positive("attention.layer_norm_rms_epsilon", 1e-6), 0, scale, rope.spec(turned, layout));
    }
  }
}
