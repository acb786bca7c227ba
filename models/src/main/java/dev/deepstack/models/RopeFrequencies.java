package dev.deepstack.models;

import java.util.List;

/// Rotary frequencies, every step rounded to f32 where PyTorch rounds it.
final class RopeFrequencies {
  private RopeFrequencies() {}

  /// `theta^(2i/dims)` in f32.
  private static float[] waves(int dims, double theta) {
    var waves = new float[dims / 2];
    for (int i = 0; i < waves.length; i++) {
      float exponent = 2f * i / dims;
      waves[i] = (float) Math.pow((float) theta, exponent);
    }
    return waves;
  }

  static float[] base(int dims, double theta) {
    float[] waves = waves(dims, theta);
    for (int i = 0; i < waves.length; i++) {
      waves[i] = 1f / waves[i];
    }
    return waves;
  }

  static float[] divide(float[] frequencies, float factor) {
    float[] scaled = frequencies.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] /= factor;
    }
    return scaled;
  }

  static float[] divide(float[] frequencies, List<Float> divisors) {
    float[] scaled = frequencies.clone();
    for (int i = 0; i < scaled.length; i++) {
      scaled[i] /= divisors.get(i);
    }
    return scaled;
  }

  static float[] llama3(float[] frequencies, RopeScaling.Llama3 scaling) {
    float factor = (float) scaling.factor();
    float low = (float) scaling.lowFactor();
    float original = (float) scaling.original();
    float span = (float) (scaling.highFactor() - scaling.lowFactor());
    float longest = (float) (scaling.original() / scaling.lowFactor());
    float shortest = (float) (scaling.original() / scaling.highFactor());
    float[] scaled = frequencies.clone();
    for (int i = 0; i < scaled.length; i++) {
      float wave = (float) (2 * Math.PI) / frequencies[i];
      if (wave > longest) {
        scaled[i] = frequencies[i] / factor;
      } else if (wave >= shortest) {
        float smooth = (original / wave - low) / span;
        scaled[i] = (1 - smooth) * frequencies[i] / factor + smooth * frequencies[i];
      }
    }
    return scaled;
  }

  static float[] yarn(int dims, double theta, RopeScaling.Yarn scaling) {
    double low = turns(scaling.betaFast(), dims, theta, scaling.original());
    double high = turns(scaling.betaSlow(), dims, theta, scaling.original());
    if (scaling.truncate()) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, dims - 1);
    float[] waves = waves(dims, theta);
    // PyTorch widens an empty ramp rather than divide by zero.
    float width = (float) (low == high ? 0.001 : high - low);
    for (int i = 0; i < waves.length; i++) {
      float ramp = Math.clamp((i - (float) low) / width, 0f, 1f);
      float kept = 1 - ramp;
      waves[i] = 1f / ((float) scaling.factor() * waves[i]) * (1 - kept) + 1f / waves[i] * kept;
    }
    return waves;
  }

  /// The pair that turns `rotations` times within the original context.
  private static double turns(double rotations, int dims, double theta, double original) {
    return dims * Math.log(original / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
  }
}
