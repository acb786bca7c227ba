package dev.deepstack.planner;

import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.ExpertLoad;
import dev.deepstack.planner.device.Fabric;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.tensor.InvalidInputException;
import org.jspecify.annotations.Nullable;

/// A question: this model, on so many of these devices, for such requests.
///
/// @param count devices
/// @param input tokens of a prompt
/// @param output tokens of an answer
/// @param hits share of prompts that a cache holds
/// @param concurrency requests in flight, or NaN for as many as the targets allow
/// @param rate requests per second that arrive by themselves, or NaN for a closed loop
/// @param precision how numbers are stored, or null for what suits model and device
/// @param drafts tokens drafted per step at most; 0 for no speculation
/// @param accepted share of drafted tokens that are kept, the first one
/// @param split whether separate pools for prompts and answers may be planned
/// @param fabric how the devices are joined, or null for what they come with
/// @param stack software, `trtllm` or `sglang`, which evidence knows
/// @param experts how much each expert has to do, or null for what is usual
public record PlanRequest(ModelShape model, Device device, int count, int input, int output, double hits,
    double concurrency, double rate, Slo slo, @Nullable Precision precision, int drafts, double accepted,
    boolean split, @Nullable Fabric fabric, String stack, @Nullable ExpertLoad experts) {
  private static final int LENGTH_MAX = 16 << 20;
  private static final int COUNT_MAX = 1 << 20;

  /// Checks that every number makes sense.
  public PlanRequest {
    if (count < 1 || count > COUNT_MAX) {
      throw new InvalidInputException("a plan needs 1 to " + COUNT_MAX + " devices, not " + count);
    }
    if (input < 1 || output < 1 || input > LENGTH_MAX || output > LENGTH_MAX) {
      throw new InvalidInputException("prompts and answers have 1 to " + LENGTH_MAX + " tokens, not " + input
          + " and " + output);
    }
    if (!(hits >= 0 && hits < 1)) {
      throw new InvalidInputException("the share of prompts that a cache holds is from 0 to below 1, not " + hits);
    }
    if (concurrency <= 0 || rate <= 0 || Double.isInfinite(concurrency) || Double.isInfinite(rate)) {
      throw new InvalidInputException("requests in flight and requests per second are positive numbers");
    }
    if (drafts < 0 || drafts > 16 || !(accepted >= 0 && accepted <= 1)) {
      throw new InvalidInputException("speculation drafts 0 to 16 tokens, of which a share from 0 to 1 is kept");
    }
    int routed = model.layers().stream().mapToInt(l -> l.feed().experts()).max().orElse(0);
    if (experts != null && experts.tokens().size() != routed) {
      throw new InvalidInputException("the load is that of " + experts.tokens().size() + " experts; " + model.name()
          + " has " + routed + " in a layer");
    }
  }

  /// A usual question.
  public static PlanRequest of(ModelShape model, Device device, int count, int input, int output, Slo slo) {
    return new PlanRequest(model, device, count, input, output, 0, Double.NaN, Double.NaN, slo, null, 0, 0.7, false,
        null, "sglang", null);
  }

  /// The same with experts that have so much to do.
  public PlanRequest withExperts(ExpertLoad load) {
    return new PlanRequest(model, device, count, input, output, hits, concurrency, rate, slo, precision, drafts,
        accepted, split, fabric, stack, load);
  }

  /// Drafted tokens that are kept per step: each is kept only with the one before it.
  public double extra(int drafted) {
    double sum = 0;
    double kept = accepted;
    for (int i = 0; i < drafted; i++) {
      sum += kept;
      kept *= accepted * 0.92;
    }
    return sum;
  }
}
