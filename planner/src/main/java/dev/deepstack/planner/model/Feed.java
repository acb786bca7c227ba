package dev.deepstack.planner.model;

/// The feed-forward part of a layer.
///
/// @param dense width of an ordinary MLP, or of the shared experts that every token passes; 0 where there is none
/// @param experts number of routed experts; 0 in a dense layer
/// @param zeroExperts further choices of the router that cost nothing
/// @param topK choices per token, zero experts included
/// @param inner width of a routed expert
/// @param width what experts read and write: the hidden size, or a latent size below it
/// @param matrices matrices per MLP: 3 for gated ones, 2 for plain ones
public record Feed(int dense, int experts, int zeroExperts, int topK, int inner, int width, int matrices) {
  /// Four equal parts of the normal distribution, each by its middle.
  private static final double[] QUANTILES = {-1.1503, -0.3186, 0.3186, 1.1503};

  /// An ordinary MLP.
  public static Feed dense(int inner, int hidden) {
    return new Feed(inner, 0, 0, 0, 0, hidden, 3);
  }

  /// Routed experts beside shared ones.
  public static Feed routed(int experts, int topK, int inner, int shared, int hidden) {
    return new Feed(shared, experts, 0, topK, inner, hidden, 3);
  }

  /// Whether there are routed experts.
  public boolean routed() {
    return experts > 0;
  }

  /// Choices per token that are real experts, on average.
  public double active() {
    return topK * (double) experts / Math.max(1, experts + zeroExperts);
  }

  /// Weights of one routed expert.
  public double expertWeights() {
    return (double) matrices * width * inner;
  }

  /// Weights that every token passes, the router included.
  public double denseWeights(int hidden) {
    double latent = routed() && width != hidden ? 2.0 * hidden * width : 0;
    return (double) matrices * hidden * dense + (double) hidden * (experts + zeroExperts) + latent;
  }

  /// Experts that `tokens` tokens touch on average when routing is uniform: between k and all of them.
  public double touched(double tokens) {
    return touched(tokens, 0);
  }

  /// The same when some experts are liked more than others: `spread` is the standard deviation of the logarithm of
  /// how often they are chosen.
  public double touched(double tokens, double spread) {
    if (!routed() || tokens <= 0) {
      return 0;
    }
    double share = Math.min(1, active() / experts);
    if (spread == 0) {
      return experts * -Math.expm1(tokens * Math.log1p(-Math.min(share, 1 - 1e-12)));
    }
    // Where every expert is chosen anyway, none can be liked more.
    double sigma = spread * Math.sqrt(1 - share);
    double mean = 0;
    for (double z : QUANTILES) {
      mean += Math.exp(sigma * z) / QUANTILES.length;
    }
    double sum = 0;
    for (double z : QUANTILES) {
      double p = Math.min(share * Math.exp(sigma * z) / mean, 1 - 1e-12);
      sum -= Math.expm1(tokens * Math.log1p(-p)) / QUANTILES.length;
    }
    return experts * sum;
  }
}
