package dev.deepstack.planner.model;

/// `count` layers of one kind.
///
/// @param streams residual streams; 4 for hyper-connections, else 1
public record Layer(int count, Attention attention, Feed feed, int streams) {
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
