package dev.deepstack.models;

import org.jspecify.annotations.Nullable;

/// The second half of a layer.
public sealed interface FeedForwardSpec {
  ActivationSpec activation();

  /// `down(act(gate(x), up(x)))`.
  ///
  /// @param width rows of gate and up
  /// @param bias all three add a bias
  record Dense(int width, boolean bias, ActivationSpec activation) implements FeedForwardSpec {}

  /// A router picks a few of many gated layers for each token.
  ///
  /// @param width rows of each expert's gate and up
  /// @param bias each expert's three matrices add a bias
  /// @param shared what all tokens get beside their experts, or null
  record Routed(
      int experts, int width, boolean bias, ActivationSpec activation, RoutingSpec routing, @Nullable Shared shared)
      implements FeedForwardSpec {}

  /// A dense layer beside the routed ones, several shared experts being one of their common width.
  ///
  /// @param bias its three matrices add a bias
  /// @param gated its output is scaled by `sigmoid(w x)`
  record Shared(int width, boolean bias, boolean gated) {
    public Shared(int width, boolean gated) {
      this(width, false, gated);
    }
  }
}
