package dev.deepstack.planner.train;

import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.model.Feed;
import dev.deepstack.planner.model.Layer;
import dev.deepstack.planner.model.ModelShape;

/// Device time that a token of training costs, term by term.
public final class TrainingModel {
  private static final double ATTENTION = 0.85;
  private static final double SPARSE = 3;
  private static final double RESIDUAL_PASSES = 60;
  private static final double ROUTED_PASSES = 14;
  private static final double KERNELS = 5;
  private static final double FED = 0.3;
  private static final double SHARE_MAX = 0.9;
  private static final double EXPOSED_NEAR = 0.6;
  private static final double EXPOSED_FAR = 0.55;

  private TrainingModel() {}

  /// A training setup. Counts are devices; 0 where something is not published.
  ///
  /// @param math what products are computed in: bf16, fp8 or fp4
  /// @param age months between the software and the newest that is known; it slows everything but the products
  /// @param hidden whether a schedule hides most of the exchange
  /// @param young whether the software had not been tuned yet
  public record Setup(double devices, int tp, int pp, int virtual, int cp, int ep, double length, double batch,
      double micro, String math, double age, boolean hidden, boolean young) {}

  /// Seconds of one device per token, by cause.
  public record PerToken(double products, double attention, double memory, double launch, double exchange,
      double bubble) {
    /// In all.
    public double total() {
      return products + attention + memory + launch + exchange + bubble;
    }
  }

  /// Floating-point operations that a token counts by the usual formula: forward and backward, causal attention.
  public static double modelFlops(ModelShape m, double length) {
    double attention = 0;
    for (Layer l : m.layers()) {
      attention += l.count() * l.attention().prefillFlops(length, 0) / length;
    }
    return 6 * m.activeWeights() + 3 * attention;
  }

  /// Time of a token.
  public static PerToken price(ModelShape m, Device d, Setup s, Constants c) {
    double compute = c.get(Constants.Shared.TRAINING);
    double young = s.young() ? 1.5 : 1;
    double old = Math.pow(2, Math.clamp(s.age(), 0, 12) / 12);
    double attention = 0;
    double memory = 0;
    double launches = 0;
    double exchange = 0;
    double tokens = s.length() * s.micro() / s.cp();
    double perExpert = 0;
    for (Layer l : m.layers()) {
      Feed f = l.feed();
      attention += l.count() * 3 * l.attention().prefillFlops(s.length(), 0) / s.length()
          * (l.attention().sparse() ? SPARSE : 1);
      double bytes = m.hidden() * 2.0 * RESIDUAL_PASSES * (1 + l.streams()) / 2
          + f.active() * (f.width() + f.inner()) * 2.0 * ROUTED_PASSES;
      memory += l.count() * bytes;
      launches += l.count() * KERNELS * (l.attention().kernels() + (f.routed() ? 14 : 5));
      exchange += l.count() * exchange(d, f, s, m.hidden());
      if (f.routed()) {
        perExpert = tokens * s.ep() * f.active() / f.experts();
      }
    }
    double peak = d.peak(s.math());
    // Twice the peak is not twice as fast: conversions, and clocks that fall.
    double fed = Math.pow(d.peak("bf16") / peak, FED);
    double share = Math.min(SHARE_MAX, compute * fed);
    double shape = perExpert == 0 ? 1 : perExpert / (perExpert + 60);
    double products = 6 * m.activeWeights() / (peak * share * shape);
    double core = attention / (d.peak("bf16") * Math.min(0.8, compute * ATTENTION));
    double moved = memory / (d.bandwidth() * c.get(Constants.Shared.MEMORY)) * old;
    double started = launches * c.get(Constants.Shared.LAUNCH) / tokens * s.tp() * old;
    double exposed = exchange * (s.hidden() ? 0.35 : 1) * old;
    double sum = (products + core + moved + started + exposed) * young;
    double stages = Math.max(1, s.batch() / Math.max(1, s.devices() / (s.tp() * s.pp() * s.cp())) / s.micro());
    double bubble = s.pp() > 1 ? sum * (s.pp() - 1.0) / (stages * s.virtual()) : 0;
    double f = young;
    return new PerToken(products * f, core * f, moved * f, started * f, exposed * f, Math.min(bubble, sum));
  }

  private static double exchange(Device d, Feed f, Setup s, int hidden) {
    double time = 0;
    if (f.routed() && s.ep() > 1) {
      double copies = StepModel.distinct(f.active(), s.ep());
      double near = f.width() * 2.0 * 4 * copies / (d.scaleUpRate() * 0.7) * EXPOSED_NEAR;
      double far = 0;
      if (s.ep() * s.tp() > d.scaleUp()) {
        double nodes = Math.ceil(s.ep() * s.tp() / (double) d.scaleUp());
        far = f.width() * 2.0 * 4 * Math.min(4, StepModel.distinct(f.active(), nodes)) * (1 - 1 / nodes)
            / (d.scaleOutRate() * 0.85) * EXPOSED_FAR;
      }
      time += Math.max(near, far);
    }
    if (s.tp() > 1) {
      double rate = s.tp() <= d.scaleUp() ? d.scaleUpRate() : d.scaleOutRate();
      time += 8.0 * hidden * 2 * (s.tp() - 1) / s.tp() / (rate * 0.7) * s.tp() * 0.5;
    }
    return time;
  }
}
