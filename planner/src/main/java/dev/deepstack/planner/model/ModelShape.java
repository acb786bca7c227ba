package dev.deepstack.planner.model;

import java.util.List;

/// A decoder as the planner counts it: its layers in groups of equal ones.
///
/// @param draftLayers layers of the module that drafts further tokens
/// @param confidence `high` when read from a configuration, `medium` or `low` when recalled or assumed
public record ModelShape(String name, int hidden, int vocab, List<Layer> layers, int draftLayers, boolean tiedHead,
    String confidence) {
  /// Copies the list.
  public ModelShape {
    layers = List.copyOf(layers);
  }

  /// The same with another confidence.
  public ModelShape withConfidence(String other) {
    return new ModelShape(name, hidden, vocab, layers, draftLayers, tiedHead, other);
  }

  /// Number of layers.
  public int depth() {
    return layers.stream().mapToInt(Layer::count).sum();
  }

  /// Weights in all, embedding and head included, drafting module left out.
  public double weights() {
    double sum = (tiedHead ? 1.0 : 2.0) * hidden * vocab;
    for (Layer l : layers) {
      sum += l.count() * l.weights(hidden);
    }
    return sum;
  }

  /// Weights a token passes, the head included.
  public double activeWeights() {
    double sum = (double) hidden * vocab;
    for (Layer l : layers) {
      sum += l.count() * l.activeWeights(hidden);
    }
    return sum;
  }

  /// Numbers cached per token over all layers.
  public double cachedPerToken() {
    double sum = 0;
    for (Layer l : layers) {
      sum += l.count() * l.attention().cachedPerToken();
    }
    return sum;
  }
}
