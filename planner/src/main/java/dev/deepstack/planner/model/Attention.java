package dev.deepstack.planner.model;

/// The attention of a layer, as far as its cost goes. Counts are weights and floating-point operations of the
/// whole layer, those of an 8-bit indexer at half their number; a context counts the tokens that a query may see.
public sealed interface Attention {
  /// Weights of the projections.
  double weights();

  /// Numbers kept per token and layer (a share of a number where entries are compressed).
  double cachedPerToken();

  /// Numbers kept for a sequence of `context` tokens.
  default double cached(double context) {
    return cachedPerToken() * context;
  }

  /// Numbers read per query token of a context of `context` tokens, gathered rows left out.
  double read(double context);

  /// Numbers gathered row by row per query token.
  double gathered(double context);

  /// Floating-point operations per query token during decoding, projections left out.
  double decodeFlops(double context);

  /// Floating-point operations of a whole prompt of `length` tokens after `past` tokens, projections left out.
  double prefillFlops(double length, double past);

  /// Kernels that a straightforward engine launches.
  double kernels();

  /// Heads that tensor parallelism divides; the cache of a single shared head is copied to every rank.
  int heads();

  /// Key-value heads; 1 where all heads share one latent row.
  int cacheHeads();

  /// Whether a cheap index chooses the rows to attend to.
  default boolean sparse() {
    return false;
  }

  /// Mean number of visible tokens over a prompt when at most `window` are seen.
  private static double visible(double length, double past, double window) {
    if (window <= 0 || past + length <= window) {
      return length * past + length * length / 2;
    }
    double free = Math.max(0, window - past);
    return free * past + free * free / 2 + (length - free) * window;
  }

  /// Grouped-query attention; `window` 0 sees everything.
  record Grouped(int hidden, int heads, int cacheHeads, int headDim, int window, boolean gate) implements Attention {
    @Override
    public double weights() {
      return (double) hidden * headDim * (heads * (gate ? 3.0 : 2.0) + 2.0 * cacheHeads);
    }

    @Override
    public double cachedPerToken() {
      return 2.0 * cacheHeads * headDim;
    }

    private double seen(double context) {
      return window > 0 ? Math.min(window, context) : context;
    }

    @Override
    public double cached(double context) {
      return cachedPerToken() * seen(context);
    }

    @Override
    public double read(double context) {
      return cached(context);
    }

    @Override
    public double gathered(double context) {
      return 0;
    }

    @Override
    public double decodeFlops(double context) {
      return 4.0 * heads * headDim * seen(context);
    }

    @Override
    public double prefillFlops(double length, double past) {
      return 4.0 * heads * headDim * visible(length, past, window);
    }

    @Override
    public double kernels() {
      return 6;
    }
  }

  /// Multi-head latent attention. With `indexTopK` above 0 an indexer of `indexHeads` heads of `indexDim` chooses
  /// that many rows.
  record Latent(int hidden, int heads, int queryRank, int latent, int rope, int nope, int value, int indexTopK,
      int indexHeads, int indexDim) implements Attention {
    @Override
    public double weights() {
      double query = queryRank > 0
          ? (double) hidden * queryRank + (double) queryRank * heads * (nope + rope)
          : (double) hidden * heads * (nope + rope);
      double index = indexTopK > 0
          ? (double) Math.max(queryRank, 1) * indexHeads * indexDim + (double) hidden * (indexDim + indexHeads) : 0;
      return query + (double) hidden * (latent + rope) + (double) latent * heads * (nope + value)
          + (double) heads * value * hidden + index;
    }

    @Override
    public double cachedPerToken() {
      return latent + rope + (indexTopK > 0 ? indexDim / 2.0 : 0);
    }

    @Override
    public double read(double context) {
      return indexTopK > 0 ? context * indexDim / 2.0 : (latent + rope) * context;
    }

    @Override
    public double gathered(double context) {
      return indexTopK > 0 ? (latent + rope) * Math.min(context, indexTopK) : 0;
    }

    @Override
    public double decodeFlops(double context) {
      double rows = indexTopK > 0 ? Math.min(context, indexTopK) : context;
      return 2.0 * heads * rows * (2.0 * latent + rope) + (indexTopK > 0 ? 1.0 * indexHeads * indexDim * context : 0);
    }

    @Override
    public double prefillFlops(double length, double past) {
      double seen = visible(length, past, 0);
      if (indexTopK == 0) {
        return 2.0 * heads * seen * (nope + rope + value);
      }
      return 2.0 * heads * visible(length, past, indexTopK) * (2.0 * latent + rope)
          + 1.0 * indexHeads * indexDim * seen;
    }

    @Override
    public double kernels() {
      return indexTopK > 0 ? 18 : 9;
    }

    @Override
    public int cacheHeads() {
      return 1;
    }

    @Override
    public boolean sparse() {
      return indexTopK > 0;
    }
  }

  /// Attention over a window and compressed entries: every `ratio` tokens make one entry (0: none); with
  /// `indexTopK` above 0 an indexer chooses among them.
  record Compressed(int hidden, int heads, int queryRank, int headDim, int outputGroups, int outputRank, int window,
      int ratio, int indexTopK, int indexHeads, int indexDim) implements Attention {
    private double entries(double context) {
      return ratio > 0 ? context / ratio : 0;
    }

    private double chosen(double context) {
      return indexTopK > 0 ? Math.min(indexTopK, entries(context)) : entries(context);
    }

    @Override
    public double weights() {
      double pool = ratio > 0 ? 2.0 * hidden * headDim * (indexTopK > 0 ? 2 : 1) : 0;
      double index = indexTopK > 0
          ? (double) queryRank * indexHeads * indexDim + (double) hidden * (indexHeads + 4.0 * indexDim) : 0;
      return (double) hidden * queryRank + (double) queryRank * heads * headDim + (double) hidden * headDim
          + (double) outputRank * heads * headDim + (double) hidden * outputGroups * outputRank + pool + index;
    }

    @Override
    public double cachedPerToken() {
      return ratio > 0 ? (headDim + (indexTopK > 0 ? indexDim : 0)) / (double) ratio : 0;
    }

    @Override
    public double cached(double context) {
      return cachedPerToken() * context + (double) window * headDim;
    }

    @Override
    public double read(double context) {
      double own = headDim * Math.min(window, context);
      return own + (indexTopK > 0 ? indexDim / 2.0 * entries(context) : headDim * entries(context));
    }

    @Override
    public double gathered(double context) {
      return indexTopK > 0 ? headDim * chosen(context) : 0;
    }

    @Override
    public double decodeFlops(double context) {
      return 4.0 * heads * headDim * (Math.min(window, context) + chosen(context))
          + (indexTopK > 0 ? 1.0 * indexHeads * indexDim * entries(context) : 0);
    }

    @Override
    public double prefillFlops(double length, double past) {
      double flops = 4.0 * heads * headDim * visible(length, past, window);
      if (ratio > 0) {
        double seen = visible(length, past, 0) / ratio;
        double used = indexTopK > 0 ? visible(length, past, indexTopK * (double) ratio) / ratio : seen;
        flops += 4.0 * heads * headDim * used + (indexTopK > 0 ? 1.0 * indexHeads * indexDim * seen : 0);
      }
      return flops;
    }

    @Override
    public double kernels() {
      return 12 + (ratio > 0 ? 3 : 0) + (indexTopK > 0 ? 8 : 0);
    }

    @Override
    public int cacheHeads() {
      return 1;
    }

    @Override
    public boolean sparse() {
      return ratio > 0;
    }
  }

  /// Linear attention or a state-space layer: a state of `stateNumbers` numbers per sequence instead of a cache.
  record Linear(int hidden, int heads, double weights, double stateNumbers) implements Attention {
    @Override
    public double cachedPerToken() {
      return 0;
    }

    @Override
    public double cached(double context) {
      return 2 * stateNumbers;
    }

    @Override
    public double read(double context) {
      return 2 * stateNumbers;
    }

    @Override
    public double gathered(double context) {
      return 0;
    }

    @Override
    public double decodeFlops(double context) {
      return 6 * stateNumbers;
    }

    @Override
    public double prefillFlops(double length, double past) {
      return 6 * stateNumbers * length;
    }

    @Override
    public double kernels() {
      return 9;
    }

    @Override
    public int cacheHeads() {
      return heads;
    }
  }
}
