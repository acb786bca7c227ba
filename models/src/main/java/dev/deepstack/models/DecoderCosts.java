package dev.deepstack.models;

import dev.deepstack.models.DecoderWeight.Role;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.function.Function;

/// What a decoder costs in elements and bytes.
///
/// @param parameters elements of all weights
/// @param activeParameters elements that one token's step multiplies with: no embedding, no idle expert; a tied head
///     counts
/// @param weightBytes of all weights as stored
/// @param activeWeightBytes of the weights that one token's step reads
public record DecoderCosts(long parameters, long activeParameters, long weightBytes, long activeWeightBytes) {
  /// With every weight in the form that the spec's storage gives it.
  public static DecoderCosts of(DecoderSpec spec) {
    return of(spec, w -> w.form(spec.storage()));
  }

  /// With the form of every weight as a file has it.
  public static DecoderCosts of(DecoderSpec spec, Function<DecoderWeight, StoredForm> forms) {
    long parameters = 0;
    long active = 0;
    long bytes = 0;
    long activeBytes = 0;
    List<DecoderWeight> weights = DecoderWeights.of(spec);
    for (DecoderWeight w : weights) {
      long elements = w.parameters();
      long size = w.bytes(forms.apply(w));
      parameters += elements;
      bytes += size;
      if (w.role() == Role.EMBEDDING) {
        active += spec.tiedHead() ? elements : 0;
        activeBytes += spec.tiedHead() ? size : size / spec.vocab();
      } else {
        active += share(spec, w, elements);
        activeBytes += share(spec, w, size);
      }
    }
    return new DecoderCosts(parameters, active, bytes, activeBytes);
  }

  /// The part of a number that belongs to the experts of one token.
  private static long share(DecoderSpec spec, DecoderWeight w, long all) {
    if (w.role() == Role.EXPERT
        && spec.layers().get(w.layer()).feedForward() instanceof FeedForwardSpec.Routed routed) {
      return all / routed.experts() * routed.routing().perToken();
    }
    return all;
  }

  /// Bytes that the cache of one layer takes per token.
  ///
  /// @param dtype of its elements; I8 counts the f32 scales of its rows too
  public static long cacheBytes(LayerSpec layer, DType dtype) {
    long bytes = (long) layer.attention().cacheWidth() * dtype.bytes();
    if (dtype != DType.I8) {
      return bytes;
    }
    return bytes + switch (layer.attention()) {
      case AttentionSpec.Grouped a -> 2L * a.kvHeads() * Float.BYTES;
      case AttentionSpec.Latent _ -> Float.BYTES;
    };
  }

  /// Bytes that the caches of all layers take per token.
  public static long cacheBytes(DecoderSpec spec, DType dtype) {
    return spec.layers().stream().mapToLong(layer -> cacheBytes(layer, dtype)).sum();
  }
}
