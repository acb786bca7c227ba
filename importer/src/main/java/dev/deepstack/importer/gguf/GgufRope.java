package dev.deepstack.importer.gguf;

import dev.deepstack.ir.Op;
import dev.deepstack.models.RopeScaling;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.Arena;
import java.util.ArrayList;
import java.util.List;

/// Rotary positions of a GGUF file.
final class GgufRope {
  static final String LONG = "rope_factors_long.weight";
  static final String SHORT = "rope_factors_short.weight";

  private final GgufFile file;
  private final GgufKeys keys;

  GgufRope(GgufFile file, GgufKeys keys) {
    this.file = file;
    this.keys = keys;
  }

  /// @param dims rotated elements of a head
  RopeSpec spec(int dims, Op.RopeLayout layout) {
    if (dims % 2 != 0) {
      throw keys.broken("rope.dimension_count", "is " + dims + ", which does not make pairs");
    }
    return RopeSpec.first(dims, layout, keys.positive("rope.freq_base", 10000), scaling(dims));
  }

  private String type() {
    String type = keys.text("rope.scaling.type");
    return type == null ? "linear" : type;
  }

  private double factor() {
    double factor = keys.real("rope.scaling.factor", keys.real("rope.scale_linear", 0));
    if (factor < 0) {
      throw keys.broken("rope.scaling.factor", "is " + factor);
    }
    return factor == 0 ? 1 : factor;
  }

  private RopeScaling scaling(int dims) {
    double factor = factor();
    if (file.tensors().containsKey(LONG)) {
      double original = keys.count("rope.scaling.original_context_length", keys.count("context_length"));
      return new RopeScaling.LongRope(divisors(SHORT, dims, factor), divisors(LONG, dims, factor), original,
          keys.positive("rope.scaling.attn_factor", 1));
    }
    if (file.tensors().containsKey("rope_freqs.weight")) {
      if (type().equals("yarn")) {
        throw unsupported("yarn together with a table of frequencies");
      }
      return new RopeScaling.Table(divisors("rope_freqs.weight", dims, factor), 1);
    }
    return switch (type()) {
      case "none" -> new RopeScaling.None();
      case "linear" -> factor == 1 ? new RopeScaling.None() : new RopeScaling.Linear(factor);
      case "yarn" -> yarn(factor);
      default -> throw unsupported(type());
    };
  }

  private UnsupportedModelException unsupported(String what) {
    return new UnsupportedModelException(file.name() + ": rope scaling \"" + what
        + "\" is not supported; supported are none, linear, yarn and a table of frequencies");
  }

  private List<Float> divisors(String name, int dims, double factor) {
    GgufTensor tensor = file.tensor(name);
    if (tensor.type().dtype() != DType.F32 || tensor.shape().length != 1 || tensor.shape()[0] != dims / 2) {
      throw new MalformedModelException(file.name() + ": its tensor " + name + " is not the f32[" + dims / 2
          + "] that " + dims + " rotary elements need; fetch another file");
    }
    var divisors = new ArrayList<Float>();
    try (var arena = Arena.ofConfined()) {
      HostTensor values = tensor.stored().contiguous(arena);
      for (int i = 0; i < dims / 2; i++) {
        float divisor = (float) values.getDouble(i);
        if (!(divisor > 0) || Float.isInfinite(divisor)) {
          throw new MalformedModelException(
              file.name() + ": its tensor " + name + " holds " + divisor + "; fetch another file");
        }
        divisors.add((float) (divisor * factor));
      }
    }
    return divisors;
  }

  /// The ends of the ramp are always whole numbers here, as in ggml.
  private RopeScaling yarn(double factor) {
    double mix = keys.real("rope.scaling.yarn_ext_factor", -1);
    if (mix != -1 && mix != 1) {
      throw unsupported("yarn with yarn_ext_factor " + mix);
    }
    if (keys.real("rope.scaling.yarn_attn_factor", 1) != 1) {
      throw unsupported("yarn with yarn_attn_factor");
    }
    double original = keys.count("rope.scaling.original_context_length", keys.count("context_length"));
    double amplitude = keys.positive("rope.scaling.attn_factor", 1);
    // With a logarithmic multiplier the amplitude belongs to the softmax: see softmaxFactor.
    if (multiplier() == 0) {
      amplitude *= RopeScaling.Yarn.magnitude(factor, 1);
    }
    return new RopeScaling.Yarn(factor, original, keys.positive("rope.scaling.yarn_beta_fast", 32),
        keys.positive("rope.scaling.yarn_beta_slow", 1), true, amplitude);
  }

  /// What latent attention multiplies its scale with.
  double softmaxFactor() {
    if (!type().equals("yarn")) {
      return 1;
    }
    double m = RopeScaling.Yarn.magnitude(factor(), multiplier());
    return m * m;
  }

  /// DeepSeek's `mscale_all_dim`; the file has a tenth of it.
  private double multiplier() {
    return keys.real("rope.scaling.yarn_log_multiplier", 0) / 0.1;
  }
}
