package dev.deepstack.planner.train;

import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.evidence.Evidence;
import dev.deepstack.planner.evidence.Places;
import dev.deepstack.planner.model.Feed;
import dev.deepstack.planner.model.Layer;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/// The best way found to train a model on devices.
///
/// @param tokens per second and device, with the interval that holds four of five
/// @param mfuBf16 share of the BF16 peak
/// @param mfuOwn share of the peak of the type that products are computed in
/// @param goodput share of the time that counts when failures and checkpoints are paid for
public record TrainingPlan(ModelShape model, Device device, TrainingModel.Setup setup,
    TrainingModel.PerToken perToken, double tokens, double tokensLow, double tokensHigh, double mfuBf16,
    double mfuOwn, double goodput) {
  /// Bytes of weights, gradients and optimizer state per parameter, the latter spread over data parallel ranks.
  private static final double STATIC_BYTES = 4;
  private static final double SPREAD_BYTES = 12;
  /// Bytes that the backward pass needs per token, layer and number, when the cheap parts are computed again.
  private static final double DENSE_BYTES = 20;
  private static final double ROUTED_BYTES = 6;
  private static final double MEMORY_SHARE = 0.9;
  /// Failures of a device per hour, and minutes to write and to come back.
  private static final double FAILURES_PER_HOUR = 1 / 50_000.0;
  private static final double CHECKPOINT_MINUTES = 0.5;
  private static final double RESTART_MINUTES = 10;

  /// Tokens per day of all devices, failures paid for.
  public double tokensPerDay() {
    return tokens * setup.devices() * goodput * 86_400;
  }

  /// Device hours for a trillion tokens, failures paid for.
  public double hoursPerTrillion() {
    return 1e12 / (tokens * goodput * 3600);
  }

  /// Searches layouts.
  ///
  /// @param length tokens of a sequence
  /// @param batch sequences of a step
  /// @throws InvalidInputException where nothing fits, with the number of devices that would
  public static TrainingPlan best(ModelShape model, Device device, int devices, double length, double batch,
      String math, Calibration calibration) {
    if (devices < 1 || !(length >= 1 && length <= 1 << 24) || !(batch >= 1)) {
      throw new InvalidInputException("training needs at least one device, sequences of 1 to 16M tokens and a batch");
    }
    if (!device.has(math) && !math.equals("bf16")) {
      throw new InvalidInputException("the device " + device.id() + " does not multiply " + math
          + "; the nearest type is bf16 (--math bf16)");
    }
    var plans = plans(model, device, devices, length, batch, math, calibration);
    if (plans.isEmpty()) {
      int more = devices;
      while (more < 1 << 20 && plans(model, device, more, length, Math.max(batch, more), math, calibration).isEmpty()) {
        more *= 2;
      }
      throw new InvalidInputException(model.name() + " cannot be trained on " + devices + " x " + device.id()
          + ": weights and optimizer do not fit; the nearest plan takes " + more + " devices");
    }
    return plans.stream().max(Comparator.comparingDouble(TrainingPlan::tokens)).orElseThrow();
  }

  private static List<TrainingPlan> plans(ModelShape model, Device device, int devices, double length, double batch,
      String math, Calibration calibration) {
    Constants c = calibration.constants();
    int experts = model.layers().stream().map(Layer::feed).mapToInt(Feed::experts).max().orElse(0);
    double routed = 0;
    double chosen = 0;
    for (Layer l : model.layers()) {
      routed += l.count() * l.feed().experts() * l.feed().expertWeights();
      chosen = Math.max(chosen, l.feed().active() * (l.feed().width() + l.feed().inner()));
    }
    Evidence.Belief belief = calibration.evidence().at(new Evidence.Place("training", model.name(),
        Places.attention(model), device.id(), device.vendor(), "megatron-bridge", math.equals("bf16") ? "16" : "8",
        "training", 8, 2048, 0, 0));
    double width = belief.spread() * calibration.quantiles().getOrDefault("training", 1.3);
    var list = new ArrayList<TrainingPlan>();
    for (int pp = 1; pp <= Math.min(devices, 16); pp *= 2) {
      for (int tp = 1; tp <= 8 && tp * pp <= devices; tp *= 2) {
        for (int ep = 1; ep <= Math.max(1, experts) && ep * tp * pp <= devices; ep *= 2) {
          int dp = devices / (pp * tp);
          if (devices % (pp * tp) != 0 || experts > 0 && experts % ep != 0 || dp % ep != 0 || batch < dp) {
            continue;
          }
          double here = ((model.weights() - routed) / tp + routed / (tp * (double) ep)) / pp;
          double stored = model.hidden() * DENSE_BYTES + chosen * ROUTED_BYTES;
          double all = here * STATIC_BYTES + here * SPREAD_BYTES / Math.max(1, dp / (double) ep)
              + length * stored * model.depth() / pp / tp * Math.min(pp, 4);
          if (all > device.memory() * MEMORY_SHARE) {
            continue;
          }
          var s = new TrainingModel.Setup(devices, tp, pp, pp > 1 ? 2 : 1, 1, ep, length, batch, 1, math, 0, false,
              false);
          TrainingModel.PerToken t = TrainingModel.price(model, device, s, c);
          double tokens = 1 / t.total() * Math.exp(-belief.shift());
          double flops = TrainingModel.modelFlops(model, length) * tokens;
          list.add(new TrainingPlan(model, device, s, t, tokens, tokens * Math.exp(-width), tokens * Math.exp(width),
              flops / device.peak("bf16"), flops / device.peak(math), goodput(devices)));
        }
      }
    }
    return list;
  }

  /// Share of the time left after checkpoints, at the interval that costs least, and lost work.
  public static double goodput(double devices) {
    double failures = devices * FAILURES_PER_HOUR / 60;
    double interval = Math.sqrt(2 * CHECKPOINT_MINUTES / failures);
    return Math.max(0, 1 - CHECKPOINT_MINUTES / interval - failures * (interval / 2 + RESTART_MINUTES));
  }
}
