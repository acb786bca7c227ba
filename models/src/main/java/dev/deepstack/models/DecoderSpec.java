package dev.deepstack.models;

import dev.deepstack.tensor.UnsupportedModelException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A decoder-only transformer as data: everything that its graph, its weights, its cache and its costs follow from.
///
/// Each layer adds `attention(norm(x))` and then `feedForward(norm(x))` to x, or has its norms elsewhere; a norm and
/// the head end the model.
///
/// @param family the architecture's name as its file gives it: `model_type`, or GGUF's `general.architecture`
/// @param vocab rows of the embedding and of the head
/// @param hidden width of the residual stream
/// @param contextMax positions that the model was made for
/// @param eps of the layers' norms and the last one
/// @param tiedHead the head is the embedding's matrix
/// @param nextTokenLayers layers stored after the last one that only serve to guess further tokens; nobody reads them
/// @param scales what values are multiplied by on their way
/// @param tokens what begins and ends a text
/// @param storage how weights are stored unless a file says otherwise for one of them
/// @param missing what the model has and the graph builder lacks; empty when it can be built
public record DecoderSpec(
    String family,
    int vocab,
    int hidden,
    int contextMax,
    double eps,
    boolean tiedHead,
    int nextTokenLayers,
    Scales scales,
    Tokens tokens,
    Storage storage,
    List<LayerSpec> layers,
    List<String> missing) {
  /// What values are multiplied by on their way.
  ///
  /// @param embedding embedded tokens
  /// @param residual what a half of a layer adds
  /// @param logits what the head gives
  /// @param logitCap logits then become `cap * tanh(logits / cap)`; 0 for no cap
  /// @param normOffset added to the weights of norms, which some files keep as differences from 1
  public record Scales(double embedding, double residual, double logits, double logitCap, double normOffset) {
    public static final Scales NONE = new Scales(1, 1, 1, 0, 0);

    public Scales withLogitCap(double cap) {
      return new Scales(embedding, residual, logits, cap, normOffset);
    }
  }

  /// @param bos the token that begins a text, or null
  /// @param eos tokens that end a text; may be empty
  public record Tokens(@Nullable Integer bos, List<Integer> eos) {
    public Tokens {
      eos = List.copyOf(eos);
    }
  }

  /// How weights are stored.
  ///
  /// @param linear matrices of attention, dense and shared feed-forward layers
  /// @param experts matrices of routed experts
  /// @param head the head's matrix
  /// @param other embedding, norms, biases, routers
  public record Storage(StoredForm linear, StoredForm experts, StoredForm head, StoredForm other) {}

  public DecoderSpec {
    layers = List.copyOf(layers);
    missing = List.copyOf(missing);
  }

  /// The same with other begin and end tokens.
  public DecoderSpec withTokens(Tokens other) {
    return new DecoderSpec(family, vocab, hidden, contextMax, eps, tiedHead, nextTokenLayers, scales, other, storage,
        layers, missing);
  }

  /// The same for sequences of so many tokens: rotations that depend on that are chosen.
  public DecoderSpec forContext(long tokens) {
    List<LayerSpec> chosen = layers.stream().map(layer -> new LayerSpec(
        layer.attention().withRope(layer.attention().rope().forContext(tokens)), layer.feedForward(), layer.norms()))
        .toList();
    return new DecoderSpec(family, vocab, hidden, contextMax, eps, tiedHead, nextTokenLayers, scales, this.tokens,
        storage, chosen, missing);
  }

  /// This spec, when its graph can be built.
  ///
  /// @throws UnsupportedModelException naming everything that is missing
  public DecoderSpec requireBuildable() {
    if (!missing.isEmpty()) {
      throw new UnsupportedModelException("the model (" + family + ") uses what is not supported yet: "
          + String.join(", ", missing) + "; `deepstack plan` can still price it");
    }
    return this;
  }
}
