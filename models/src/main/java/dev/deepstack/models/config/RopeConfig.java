package dev.deepstack.models.config;

import dev.deepstack.ir.Op;
import dev.deepstack.models.RopeScaling;
import dev.deepstack.models.RopeSpec;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Rotary positions in either form: `rope_parameters` with everything inside, or `rope_theta` beside `rope_scaling`.
final class RopeConfig {
  private final ConfigNode c;
  private final @Nullable ConfigNode inner;
  private final double theta;
  private final String type;

  RopeConfig(ConfigNode c, double theta) {
    this(c, theta, c.object(c.firstOf("rope_parameters", "rope_scaling")));
  }

  /// @param inner the object with all that is said of the rotation, or null
  RopeConfig(ConfigNode c, double theta, @Nullable ConfigNode inner) {
    this.c = c;
    this.inner = inner;
    this.theta = inner != null && inner.has("rope_theta")
        ? inner.positive("rope_theta", 0)
        : c.positive("rope_theta", theta);
    if (inner == null) {
      type = "default";
    } else {
      type = inner.text(inner.firstOf("rope_type", "type"), "default");
    }
  }

  /// The part of a head that is rotated.
  double rotatedPart(double otherwise) {
    double outer = c.positive("partial_rotary_factor", otherwise);
    double part = inner == null ? outer : inner.positive("partial_rotary_factor", outer);
    if (part > 1) {
      throw c.broken("says partial_rotary_factor is " + part + ", more than a whole head");
    }
    return part;
  }

  RopeSpec spec(int dims, Op.RopeLayout layout) {
    if (dims % 2 != 0 || dims == 0) {
      throw c.broken("leads to " + dims + " rotary elements of a head, which do not make pairs");
    }
    return RopeSpec.first(dims, layout, theta, scaling(dims));
  }

  private RopeScaling scaling(int dims) {
    if (inner == null) {
      return new RopeScaling.None();
    }
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(positive("factor"));
      case "dynamic" -> new RopeScaling.Dynamic(positive("factor"));
      case "llama3" -> llama3();
      // The first Phi-3 models call LongRoPE by other names.
      case "yarn" -> inner.has("short_factor") ? longrope(inner, dims) : yarn(inner);
      case "longrope", "su" -> longrope(inner, dims);
      default -> throw new UnsupportedModelException(c.source() + ": rope scaling \"" + type
          + "\" is not supported; supported are default, linear, dynamic, llama3, yarn and longrope");
    };
  }

  private RopeScaling longrope(ConfigNode node, int dims) {
    // Models that were made for a longer context than the one before scaling say the factor by these two.
    double factor = node.has("factor") ? node.positive("factor", 1)
        : c.count("max_position_embeddings") / original();
    double usual = factor <= 1 ? 1 : Math.sqrt(1 + Math.log(factor) / Math.log(original()));
    return new RopeScaling.LongRope(divisors(node, "short_factor", dims),
        divisors(node, "long_factor", dims), original(), node.positive("attention_factor", usual));
  }

  private List<Float> divisors(ConfigNode node, String key, int dims) {
    List<Double> divisors = node.reals(key);
    if (divisors.size() != dims / 2) {
      throw c.broken("has " + divisors.size() + " numbers in " + key + " for " + dims / 2 + " rotary pairs");
    }
    return divisors.stream().map(Double::floatValue).toList();
  }

  private RopeScaling llama3() {
    double low = positive("low_freq_factor");
    double high = positive("high_freq_factor");
    if (low >= high) {
      throw c.broken("says low_freq_factor is " + low + ", not below high_freq_factor " + high);
    }
    return new RopeScaling.Llama3(positive("factor"), low, high, original());
  }

  private RopeScaling yarn(ConfigNode yarn) {
    double factor = factor(yarn);
    double amplitude = yarn.has("attention_factor")
        ? yarn.positive("attention_factor", 1)
        : mscale(factor, yarn);
    return new RopeScaling.Yarn(factor, original(), orDefault(yarn, "beta_fast", 32), orDefault(yarn, "beta_slow", 1),
        yarn.flag("truncate", true), amplitude);
  }

  /// Zero counts as absent, as in Python.
  private static double orDefault(ConfigNode node, String key, double otherwise) {
    double value = node.real(key, otherwise);
    return value == 0 ? otherwise : value;
  }

  private double factor(ConfigNode yarn) {
    return yarn.has("factor") ? yarn.positive("factor", 1) : c.count("max_position_embeddings") / original();
  }

  private static double mscale(double factor, ConfigNode yarn) {
    double over = yarn.real("mscale", 0);
    double under = yarn.real("mscale_all_dim", 0);
    return over != 0 && under != 0
        ? RopeScaling.Yarn.magnitude(factor, over) / RopeScaling.Yarn.magnitude(factor, under)
        : RopeScaling.Yarn.magnitude(factor, 1);
  }

  /// What latent attention multiplies its scale with: mscale of all dimensions, squared.
  ///
  /// @param forgotten by a transformers 5 older than 5.18, whose DeepSeek-V2 left it out: its models mean that
  double softmaxFactor(boolean forgotten) {
    if (forgotten && c.has("rope_parameters") && c.text("transformers_version", "").matches("5\\.(\\d|1[0-7])\\..*")) {
      return 1;
    }
    if (inner == null || type.equals("default") || inner.real("mscale_all_dim", 0) == 0) {
      return 1;
    }
    double m = RopeScaling.Yarn.magnitude(factor(inner), inner.real("mscale_all_dim"));
    return m * m;
  }

  private double positive(String key) {
    if (inner == null || !inner.has(key)) {
      throw c.broken("has rope scaling \"" + type + "\" without \"" + key + "\"");
    }
    return inner.positive(key, 1);
  }

  /// Context before scaling.
  private double original() {
    String key = "original_max_position_embeddings";
    return inner != null && inner.has(key) ? inner.count(key) : c.count(key, c.count("max_position_embeddings"));
  }
}
