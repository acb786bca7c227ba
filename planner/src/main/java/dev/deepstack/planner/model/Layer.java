package dev.deepstack.planner.model;

import java.util.LinkedHashMap;
import java.util.List;

/// `count` layers of one kind.
///
/// @param streams residual streams; 4 for hyper-connections, else 1
public record Layer(int count, Attention attention, Feed feed, int streams) {
  private Layer times(int other) {
    return new Layer(other, attention, feed, streams);
  }

  /// Equal layers in one group, wherever they stand.
  static List<Layer> merged(List<Layer> layers) {
    var counts = new LinkedHashMap<Layer, Integer>();
    layers.forEach(l -> counts.merge(l.times(1), l.count, Integer::sum));
    return counts.entrySet().stream().map(e -> e.getKey().times(e.getValue())).toList();
  }

  /// Weights that every token passes in one layer.
  public double denseWeights(int hidden) {
    return attention.weights() + feed.denseWeights(hidden);
  }

  /// Weights of one layer in all.
  public double weights(int hidden) {
    return denseWeights(hidden) + feed.experts() * feed.expertWeights();
  }

  /// Weights one token passes in one layer.
  public double activeWeights(int hidden) {
    return denseWeights(hidden) + feed.active() * feed.expertWeights();
  }
}
