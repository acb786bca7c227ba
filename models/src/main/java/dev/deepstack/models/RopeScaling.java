package dev.deepstack.models;

import java.util.List;

/// What stretches rotary frequencies to contexts longer than a model was first trained on.
public sealed interface RopeScaling {
  /// The scaled frequencies of `dims/2` pairs.
  float[] apply(float[] frequencies, int dims, double theta);

  /// Multiplies cos and sin.
  default double amplitude() {
    return 1;
  }

  /// The same for sequences of so many tokens.
  default RopeScaling forContext(long tokens) {
    return this;
  }

  /// The frequencies as they are.
  record None() implements RopeScaling {
    @Override
    public float[] apply(float[] frequencies, int dims, double theta) {
      return frequencies;
    }
  }

  /// All divided by a factor.
  record Linear(double factor) implements RopeScaling {
    @Override
    public float[] apply(float[] frequencies, int dims, double theta) {
      return RopeFrequencies.divide(frequencies, (float) factor);
    }
  }

  /// Frequencies that change with the length of the text once it passes the context of the model; up to there, which is
  /// as far as sequences go here, they are as they are.
  record Dynamic(double factor) implements RopeScaling {
    @Override
    public float[] apply(float[] frequencies, int dims, double theta) {
      return frequencies;
    }
  }

  /// Llama 3.1: long waves divided, short ones kept, a ramp between.
  record Llama3(double factor, double lowFactor, double highFactor, double original) implements RopeScaling {
    @Override
    public float[] apply(float[] frequencies, int dims, double theta) {
      return RopeFrequencies.llama3(frequencies, this);
    }
  }

  /// YaRN: a ramp over the pairs between kept and divided.
  ///
  /// @param truncate the ends of the ramp are whole numbers
  /// @param amplitude multiplies cos and sin; the part of mscale meant for the softmax is in the attention's scale
  record Yarn(double factor, double original, double betaFast, double betaSlow, boolean truncate, double amplitude)
      implements RopeScaling {
    /// YaRN's mscale: what vectors grow by when positions are stretched by `factor`.
    public static double magnitude(double factor, double weight) {
      return factor <= 1 ? 1 : 0.1 * weight * Math.log(factor) + 1;
    }

    @Override
    public float[] apply(float[] frequencies, int dims, double theta) {
      return RopeFrequencies.yarn(dims, theta, this);
    }
  }

  /// LongRoPE: each frequency divided by a number of its own, one set of them for sequences that stay within the
  /// original context and one for others. A cache cannot change from one to the other, so the longest sequence that a
  /// model is loaded for decides.
  record LongRope(List<Float> within, List<Float> beyond, double original, double amplitude) implements RopeScaling {
    public LongRope {
      within = List.copyOf(within);
      beyond = List.copyOf(beyond);
    }

    @Override
    public RopeScaling forContext(long tokens) {
      return new Table(tokens > original ? beyond : within, amplitude);
    }

    /// Those of sequences within the original context, until [#forContext] says more.
    @Override
    public float[] apply(float[] frequencies, int dims, double theta) {
      return RopeFrequencies.divide(frequencies, within);
    }
  }

  /// Each frequency divided by a number of its own, as GGUF's `rope_freqs.weight` gives them.
  record Table(List<Float> divisors, double amplitude) implements RopeScaling {
    public Table {
      divisors = List.copyOf(divisors);
    }

    @Override
    public float[] apply(float[] frequencies, int dims, double theta) {
      return RopeFrequencies.divide(frequencies, divisors);
    }
  }
}
