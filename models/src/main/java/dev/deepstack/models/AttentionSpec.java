package dev.deepstack.models;

import org.jspecify.annotations.Nullable;

/// How the tokens of a sequence see each other.
public sealed interface AttentionSpec {
  /// Query heads.
  int heads();

  /// How queries and keys learn their positions.
  RopeSpec rope();

  /// The same with other positions.
  AttentionSpec withRope(RopeSpec other);

  /// Multiplies a query's product with a key before the softmax.
  double scale();

  /// Positions that a token sees, its own included; 0 for all.
  int window();

  /// Elements that the cache keeps for a token.
  int cacheWidth();

  /// RMS norm of queries and keys after their projection.
  enum QkNorm {
    NONE,
    /// Over each head, one weight of headDim for all.
    PER_HEAD,
    /// Over all heads together.
    FULL
  }

  /// Which projections add a bias.
  record Biases(boolean q, boolean k, boolean v, boolean o) {
    public static final Biases NONE = new Biases(false, false, false, false);
    public static final Biases QKV = new Biases(true, true, true, false);
    public static final Biases ALL = new Biases(true, true, true, true);
  }

  /// Heads that share keys and values in groups; one group per head and one group in all are special cases.
  ///
  /// @param kvHeads heads of keys and values; divides `heads`
  /// @param clip q, k and v are limited to this magnitude after projection and norm; null for no limit
  /// @param sinks a learned logit per head that takes part in the softmax and has no value
  /// @param cap scores become `cap * tanh(score / cap)` before the softmax; 0 for no cap
  record Grouped(
      int heads,
      int kvHeads,
      int headDim,
      Biases biases,
      QkNorm qkNorm,
      @Nullable Double clip,
      boolean sinks,
      int window,
      double scale,
      double cap,
      RopeSpec rope) implements AttentionSpec {
    @Override
    public int cacheWidth() {
      return 2 * kvHeads * headDim;
    }

    @Override
    public Grouped withRope(RopeSpec other) {
      return new Grouped(heads, kvHeads, headDim, biases, qkNorm, clip, sinks, window, scale, cap,
          other);
    }
  }

  /// Keys and values of all heads follow from one latent row per token, which is all that is cached, together with
  /// the one rotated key that the heads share.
  ///
  /// @param queryRank width of the latent of queries, or 0 when they are projected directly
  /// @param rank width of the latent of keys and values
  /// @param nopeDim part of a head's query and key without position
  /// @param ropeDim part of a head's query and key with position
  /// @param valueDim width of a head's values
  /// @param bias the projections to latents and the output projection add a bias
  /// @param latentEps of the norms on latents
  record Latent(
      int heads,
      int queryRank,
      int rank,
      int nopeDim,
      int ropeDim,
      int valueDim,
      boolean bias,
      double latentEps,
      int window,
      double scale,
      RopeSpec rope) implements AttentionSpec {
    @Override
    public int cacheWidth() {
      return rank + ropeDim;
    }

    @Override
    public Latent withRope(RopeSpec other) {
      return new Latent(heads, queryRank, rank, nopeDim, ropeDim, valueDim, bias, latentEps, window, scale, other);
    }
  }
}
