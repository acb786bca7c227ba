package dev.deepstack.models;

import org.jspecify.annotations.Nullable;

/// How a router's logits become chosen experts and their weights.
///
/// @param perToken experts that each token gets
/// @param score what the logits become
/// @param logitBias the router adds a bias to its logits
/// @param choiceBias a bias that counts for the choice and not for the weights
/// @param groups limits the choice to the best groups of experts, or null
/// @param renormalise weights are divided by their sum
/// @param epsilon added to that sum
/// @param scale multiplies the weights at the end
public record RoutingSpec(
    int perToken,
    Score score,
    boolean logitBias,
    boolean choiceBias,
    @Nullable Groups groups,
    boolean renormalise,
    double epsilon,
    double scale) {
  /// Experts that a token may choose from: those of its groups.
  public int reachable(int experts) {
    return groups == null ? experts : experts / groups.count() * groups.chosen();
  }

  /// What a logit becomes.
  public enum Score {
    /// Softmax over all experts, then the choice.
    SOFTMAX,
    /// The choice, then softmax over the chosen.
    SOFTMAX_OF_CHOSEN,
    SIGMOID,
    /// `sqrt(softplus(x))`.
    SQRT_SOFTPLUS
  }

  /// What a group of experts is worth.
  public enum GroupScore { BEST, SUM_OF_BEST_TWO }

  /// @param count groups of equally many experts
  /// @param chosen groups that stay
  /// @param masked score of experts in other groups: 0 or minus infinity
  public record Groups(int count, int chosen, GroupScore score, double masked) {
    /// Whether so many experts make these groups, each large enough for its score.
    public boolean divide(int experts) {
      return experts % count == 0 && (score != GroupScore.SUM_OF_BEST_TWO || experts >= 2L * count);
    }
  }
}
