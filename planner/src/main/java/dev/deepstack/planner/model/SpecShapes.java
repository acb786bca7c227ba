package dev.deepstack.planner.model;

import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.LayerSpec;
import java.util.ArrayList;

/// What the compiler's description of a decoder costs.
public final class SpecShapes {
  private SpecShapes() {}

  /// The shape of a decoder that [DecoderSpec] describes.
  public static ModelShape of(String name, DecoderSpec spec) {
    var layers = new ArrayList<Layer>();
    for (LayerSpec layer : spec.layers()) {
      layers.add(new Layer(1, attention(layer.attention(), spec.hidden()), feed(layer.feedForward(), spec.hidden()),
          1));
    }
    return new ModelShape(name, spec.hidden(), spec.vocab(), Layer.merged(layers), spec.nextTokenLayers(),
        spec.tiedHead(), "high");
  }

  private static Attention attention(AttentionSpec a, int hidden) {
    return switch (a) {
      case AttentionSpec.Grouped g ->
          new Attention.Grouped(hidden, g.heads(), g.kvHeads(), g.headDim(), g.window(), false);
      case AttentionSpec.Latent l -> new Attention.Latent(hidden, l.heads(), l.queryRank(), l.rank(), l.ropeDim(),
          l.nopeDim(), l.valueDim(), 0, 0, 0);
    };
  }

  private static Feed feed(FeedForwardSpec f, int hidden) {
    return switch (f) {
      case FeedForwardSpec.Dense d -> Feed.dense(d.width(), hidden);
      case FeedForwardSpec.Routed r -> {
        FeedForwardSpec.Shared shared = r.shared();
        yield Feed.routed(r.experts(), r.routing().perToken(), r.width(), shared == null ? 0 : shared.width(), hidden);
      }
    };
  }
}
