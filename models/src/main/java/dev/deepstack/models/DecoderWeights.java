package dev.deepstack.models;

import dev.deepstack.models.DecoderWeight.Role;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The weights of a decoder in the order a token meets them, under the names its graph uses: Hugging Face's names
/// of Llama and DeepSeek, for every family. Importers translate the names of their files to these.
///
/// A shared expert's names begin with `mlp.shared_experts.`, a router's with `mlp.gate.`. The matrix that takes latents
/// apart appears as its two per-head halves: `kv_b_proj.k` `[heads, rank, nope]`, which turns queries into latents
/// (the stored matrix transposed), and `kv_b_proj.v` `[heads, value, rank]`.
public final class DecoderWeights {
  public static final String EMBEDDING = "model.embed_tokens.weight";
  public static final String LAST_NORM = "model.norm.weight";
  public static final String HEAD = "lm_head.weight";

  private final DecoderSpec spec;
  private final List<DecoderWeight> weights = new ArrayList<>();
  private int layer = -1;

  private DecoderWeights(DecoderSpec spec) {
    this.spec = spec;
  }

  /// All weights; a tied head is not among them.
  public static List<DecoderWeight> of(DecoderSpec spec) {
    var list = new DecoderWeights(spec);
    list.add(EMBEDDING, Role.EMBEDDING, spec.vocab(), spec.hidden());
    for (int i = 0; i < spec.layers().size(); i++) {
      list.layer(i);
    }
    list.layer = -1;
    list.add(LAST_NORM, Role.NORM, spec.hidden());
    if (!spec.tiedHead()) {
      list.add(HEAD, Role.HEAD, spec.vocab(), spec.hidden());
    }
    return List.copyOf(list.weights);
  }

  /// What the names of a layer's weights begin with.
  public static String prefix(int layer) {
    return "model.layers." + layer + ".";
  }

  private void layer(int index) {
    layer = index;
    String prefix = prefix(index);
    LayerSpec.Norms norms = spec.layers().get(index).norms();
    norm(prefix, norms.beforeAttention());
    switch (spec.layers().get(index).attention()) {
      case AttentionSpec.Grouped a -> grouped(prefix + "self_attn.", a);
      case AttentionSpec.Latent a -> latent(prefix + "self_attn.", a);
    }
    norm(prefix, norms.afterAttention());
    norm(prefix, norms.beforeFeedForward());
    switch (spec.layers().get(index).feedForward()) {
      case FeedForwardSpec.Dense f -> gated(prefix + "mlp.", f.width(), f.bias());
      case FeedForwardSpec.Routed f -> routed(prefix + "mlp.", f);
    }
    norm(prefix, norms.afterFeedForward());
  }

  private void norm(String prefix, @Nullable String name) {
    if (name != null) {
      add(prefix + name + ".weight", Role.NORM, spec.hidden());
    }
  }

  private void grouped(String at, AttentionSpec.Grouped a) {
    long queries = (long) a.heads() * a.headDim();
    long keys = (long) a.kvHeads() * a.headDim();
    linear(at + "q_proj", queries, spec.hidden(), a.biases().q());
    linear(at + "k_proj", keys, spec.hidden(), a.biases().k());
    linear(at + "v_proj", keys, spec.hidden(), a.biases().v());
    if (a.qkNorm() != AttentionSpec.QkNorm.NONE) {
      boolean full = a.qkNorm() == AttentionSpec.QkNorm.FULL;
      add(at + "q_norm.weight", Role.NORM, full ? queries : a.headDim());
      add(at + "k_norm.weight", Role.NORM, full ? keys : a.headDim());
    }
    if (a.sinks()) {
      add(at + "sinks", Role.VECTOR, a.heads());
    }
    linear(at + "o_proj", spec.hidden(), queries, a.biases().o());
  }

  private void latent(String at, AttentionSpec.Latent a) {
    long queries = (long) a.heads() * (a.nopeDim() + a.ropeDim());
    if (a.queryRank() == 0) {
      linear(at + "q_proj", queries, spec.hidden(), false);
    } else {
      linear(at + "q_a_proj", a.queryRank(), spec.hidden(), a.bias());
      add(at + "q_a_layernorm.weight", Role.NORM, a.queryRank());
      linear(at + "q_b_proj", queries, a.queryRank(), false);
    }
    linear(at + "kv_a_proj_with_mqa", a.rank() + a.ropeDim(), spec.hidden(), a.bias());
    add(at + "kv_a_layernorm.weight", Role.NORM, a.rank());
    add(at + "kv_b_proj.k", Role.PER_HEAD, a.heads(), a.rank(), a.nopeDim());
    add(at + "kv_b_proj.v", Role.PER_HEAD, a.heads(), a.valueDim(), a.rank());
    linear(at + "o_proj", spec.hidden(), (long) a.heads() * a.valueDim(), a.bias());
  }

  private void gated(String at, int width, boolean bias) {
    linear(at + "gate_proj", width, spec.hidden(), bias);
    linear(at + "up_proj", width, spec.hidden(), bias);
    linear(at + "down_proj", spec.hidden(), width, bias);
  }

  private void routed(String at, FeedForwardSpec.Routed f) {
    add(at + "gate.weight", Role.ROUTER, f.experts(), spec.hidden());
    if (f.routing().logitBias()) {
      add(at + "gate.bias", Role.VECTOR, f.experts());
    }
    if (f.routing().choiceBias()) {
      add(at + "gate.e_score_correction_bias", Role.VECTOR, f.experts());
    }
    expert(at, "gate_proj", f, f.width(), spec.hidden());
    expert(at, "up_proj", f, f.width(), spec.hidden());
    expert(at, "down_proj", f, spec.hidden(), f.width());
    if (f.shared() != null) {
      gated(at + "shared_experts.", f.shared().width(), f.shared().bias());
      if (f.shared().gated()) {
        add(at + "shared_expert_gate.weight", Role.ROUTER, 1, spec.hidden());
      }
    }
  }

  private void expert(String at, String name, FeedForwardSpec.Routed f, int out, int in) {
    add(at + "experts.*." + name + ".weight", Role.EXPERT, f.experts(), out, in);
    if (f.bias()) {
      add(at + "experts." + name + ".bias", Role.BIAS, f.experts(), out);
    }
  }

  private void linear(String name, long out, long in, boolean bias) {
    add(name + ".weight", Role.LINEAR, out, in);
    if (bias) {
      add(name + ".bias", Role.BIAS, out);
    }
  }

  private void add(String name, Role role, long... shape) {
    weights.add(new DecoderWeight(name, layer, role, java.util.Arrays.stream(shape).boxed().toList()));
  }
}
