package dev.deepstack.models;

import dev.deepstack.ir.Op;

/// Rotary positions.
///
/// @param dims elements of a head that are rotated, even; 0 for none
/// @param last the rotated elements are the last of a head, not the first
/// @param layout how pairs lie among them
/// @param theta base of the frequencies
/// @param scaling what stretches them
public record RopeSpec(int dims, boolean last, Op.RopeLayout layout, double theta, RopeScaling scaling) {
  /// The whole head or its beginning.
  public static RopeSpec first(int dims, Op.RopeLayout layout, double theta, RopeScaling scaling) {
    return new RopeSpec(dims, false, layout, theta, scaling);
  }

  /// No positions: a layer that only knows what comes before, not how far.
  public static RopeSpec none() {
    return first(0, Op.RopeLayout.HALVES, 1, new RopeScaling.None());
  }

  /// The same for sequences of so many tokens.
  RopeSpec forContext(long tokens) {
    return new RopeSpec(dims, last, layout, theta, scaling.forContext(tokens));
  }

  /// `dims/2` frequencies in radians per position, computed in f32 as PyTorch does.
  public float[] inverseFrequencies() {
    return scaling.apply(RopeFrequencies.base(dims, theta), dims, theta);
  }
}
