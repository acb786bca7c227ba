package dev.deepstack.models;

import dev.deepstack.tensor.UnsupportedModelException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A decoder-only transformer as data: everything that its graph, its weights, its cache and its costs follow from.
///
/// Each layer is `x + attention(norm(x))` followed by `x + feedForward(norm(x))`; a norm and the head end the model.
///
/// @param family the architecture's name as its file gives it: `model_type`, or GGUF's `general.architecture`
/// @param vocab rows of the embedding and of the head
/// @param hidden width of the residual stream
/// @param contextMax positions that the model was made for
/// @param eps of the layers' norms and the last one
/// @param tiedHead the head is the embedding's matrix
/// @param nextTokenLayers layers stored after the last one that only serve to guess further tokens; nobody reads them
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
    Tokens tokens,
    Storage storage,
    List<LayerSpec> layers,
    List<String> missing) {
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
    return new DecoderSpec(family, vocab, hidden, contextMax, eps, tiedHead, nextTokenLayers, other, storage, layers,
        missing);
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
