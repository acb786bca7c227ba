package dev.deepstack.importer.gguf;

import dev.deepstack.models.DecoderWeights;
import dev.deepstack.models.LayerSpec;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;

/// From the names that a decoder's graph gives its weights to those of GGUF files.
final class GgufNames {
  private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d+)\\.(.*)");

  private static final Map<String, String> MODEL = Map.of(
      DecoderWeights.EMBEDDING, "token_embd.weight",
      DecoderWeights.LAST_NORM, "output_norm.weight",
      DecoderWeights.HEAD, "output.weight");

  /// Parts of a layer without `.weight` or `.bias`.
  private static final Map<String, String> LAYERED = Map.ofEntries(
      Map.entry("input_layernorm", "attn_norm"),
      Map.entry("self_attn.q_proj", "attn_q"),
      Map.entry("self_attn.k_proj", "attn_k"),
      Map.entry("self_attn.v_proj", "attn_v"),
      Map.entry("self_attn.o_proj", "attn_output"),
      Map.entry("self_attn.q_norm", "attn_q_norm"),
      Map.entry("self_attn.k_norm", "attn_k_norm"),
      Map.entry("self_attn.q_a_proj", "attn_q_a"),
      Map.entry("self_attn.q_a_layernorm", "attn_q_a_norm"),
      Map.entry("self_attn.q_b_proj", "attn_q_b"),
      Map.entry("self_attn.kv_a_proj_with_mqa", "attn_kv_a_mqa"),
      Map.entry("self_attn.kv_a_layernorm", "attn_kv_a_norm"),
      Map.entry("self_attn.qkv_proj", "attn_qkv"),
      Map.entry("mlp.gate_up_proj", "ffn_up"),
      Map.entry("post_feedforward_layernorm", "post_ffw_norm"),
      Map.entry("mlp.gate_proj", "ffn_gate"),
      Map.entry("mlp.up_proj", "ffn_up"),
      Map.entry("mlp.down_proj", "ffn_down"),
      Map.entry("mlp.gate", "ffn_gate_inp"),
      Map.entry("mlp.experts.*.gate_proj", "ffn_gate_exps"),
      Map.entry("mlp.experts.*.up_proj", "ffn_up_exps"),
      Map.entry("mlp.experts.*.down_proj", "ffn_down_exps"),
      Map.entry("mlp.experts.gate_proj", "ffn_gate_exps"),
      Map.entry("mlp.experts.up_proj", "ffn_up_exps"),
      Map.entry("mlp.experts.down_proj", "ffn_down_exps"),
      Map.entry("mlp.shared_experts.gate_proj", "ffn_gate_shexp"),
      Map.entry("mlp.shared_experts.up_proj", "ffn_up_shexp"),
      Map.entry("mlp.shared_experts.down_proj", "ffn_down_shexp"),
      Map.entry("mlp.shared_expert_gate", "ffn_gate_inp_shexp"));

  private GgufNames() {}

  /// What tensors of a layer begin with.
  static String block(int layer) {
    return "blk." + layer + ".";
  }

  /// The names under which a file may hold a weight, the usual one first. Weights that are parts of a tensor
  /// (`kv_b_proj.k`) are not among them.
  ///
  /// @param norms of the weight's layer
  static List<String> of(String weight, LayerSpec.Norms norms) {
    String model = MODEL.get(weight);
    if (model != null) {
      return List.of(model);
    }
    var match = LAYER.matcher(weight);
    if (!match.matches()) {
      throw new IllegalArgumentException(weight);
    }
    String block = block(Integer.parseInt(match.group(1)));
    String part = match.group(2);
    return switch (part) {
      case "post_attention_layernorm.weight" -> norms != LayerSpec.Norms.BEFORE
          ? List.of(block + "post_attention_norm.weight")
          : List.of(block + "ffn_norm.weight", block + "post_attention_norm.weight");
      case "mlp.gate.e_score_correction_bias" -> List.of(block + "exp_probs_b.bias", block + "exp_probs_b");
      case "self_attn.sinks" -> List.of(block + "attn_sinks.weight", block + "attn_sinks");
      case "self_attn.kv_b_proj.k" -> List.of(block + "attn_k_b.weight");
      case "self_attn.kv_b_proj.v" -> List.of(block + "attn_v_b.weight");
      default -> {
        int kind = part.lastIndexOf('.');
        String name = LAYERED.get(part.substring(0, kind));
        if (name == null) {
          throw new IllegalArgumentException(weight);
        }
        yield List.of(block + name + part.substring(kind));
      }
    };
  }
}
