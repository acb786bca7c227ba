package dev.deepstack.planner.cost;

/// How a model is spread over the ranks of one instance.
///
/// @param tp ranks that share each attention layer
/// @param dp groups of such ranks that hold different requests
/// @param moeTp ranks that share each expert
/// @param ep groups of such ranks that hold different experts
/// @param pp stages of layers
public record Layout(int tp, int dp, int moeTp, int ep, int pp) {
  /// Everything on one rank.
  public static final Layout ONE = new Layout(1, 1, 1, 1, 1);

  /// Ranks of one stage.
  public int stage() {
    return tp * dp;
  }

  /// Ranks in all.
  public int ranks() {
    return tp * dp * pp;
  }

  @Override
  public String toString() {
    return "tp" + tp + " dp" + dp + (moeTp > 1 ? " moe-tp" + moeTp : "") + " ep" + ep + (pp > 1 ? " pp" + pp : "");
  }
}
