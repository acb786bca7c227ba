package dev.deepstack.models;

import org.jspecify.annotations.Nullable;

/// One decoder layer: attention, then the feed-forward half, each added to the residual stream.
///
/// @param norms where each half is normalised
public record LayerSpec(AttentionSpec attention, FeedForwardSpec feedForward, Norms norms) {
  /// Where RMS norms stand about a half of the layer.
  public enum Norms {
    /// `x + f(norm(x))`
    BEFORE,
    /// `x + norm(f(x))`
    AFTER,
    /// `x + norm(f(norm(x)))`
    AROUND;

    /// The norm of what attention gets, or null.
    public @Nullable String beforeAttention() {
      return this == AFTER ? null : "input_layernorm";
    }

    /// The norm of what attention gives, or null.
    public @Nullable String afterAttention() {
      return this == BEFORE ? null : "post_attention_layernorm";
    }

    /// The norm of what the second half gets, or null.
    public @Nullable String beforeFeedForward() {
      return switch (this) {
        case BEFORE -> "post_attention_layernorm";
        case AFTER -> null;
        case AROUND -> "pre_feedforward_layernorm";
      };
    }

    /// The norm of what the second half gives, or null.
    public @Nullable String afterFeedForward() {
      return this == BEFORE ? null : "post_feedforward_layernorm";
    }
  }
}
