package dev.deepstack.planner;

import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.Terms;
import dev.deepstack.planner.device.Placement;
import dev.deepstack.planner.evidence.Evidence;
import dev.deepstack.planner.model.Precision;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An answer.
///
/// @param best the configuration that serves most within the targets, or null where there is none
/// @param front configurations that no other beats in both speed for a user and output of a device
/// @param refusal why there is none, and the nearest that there is; null when there is one
/// @param tried configurations that were priced
public record Plan(PlanRequest request, @Nullable Choice best, List<Choice> front, @Nullable String refusal,
    int tried) {
  /// Copies the list.
  public Plan {
    front = List.copyOf(front);
  }

  /// A number with the interval that holds four of five.
  public record Band(double value, double low, double high) {
    /// The same in another unit.
    public Band times(double f) {
      return new Band(value * f, low * f, high * f);
    }
  }

  /// Bytes on the fullest rank.
  public record Memory(double weights, double cache, double work, double capacity) {
    /// Share that is used.
    public double share() {
      return (weights + cache + work) / capacity;
    }
  }

  /// A configuration and what it does.
  ///
  /// @param instances equal instances; of those that decode when pools are separate
  /// @param prefills instances for prompts alone, or 0
  /// @param drafts tokens drafted per step
  /// @param overlap whether two halves of a batch hide each other's exchange
  /// @param batch requests that decode at the same time, in the whole system
  /// @param tpot seconds per output token
  /// @param ttft seconds to the first token, half of all wait less
  /// @param ttftLate the same for one in a hundred
  /// @param output tokens per second of the whole system
  /// @param prompts tokens of prompts per second of the whole system
  /// @param step what a decoding step consists of
  /// @param promptStep what a prompt consists of
  /// @param nearest measurements nearest to this
  /// @param placement where experts are, or null where nothing was said about their load
  public record Choice(Layout layout, double instances, double prefills, int drafts, boolean overlap,
      Precision precision, double batch, Band tpot, Band ttft, double ttftLate, Band output, double prompts,
      Terms step, Terms promptStep, Memory memory, List<Evidence.Measured> nearest, boolean meets,
      @Nullable Placement placement) {
    /// Copies the list.
    public Choice {
      nearest = List.copyOf(nearest);
    }

    /// In words.
    public String words() {
      String pools = prefills > 0 ? (int) prefills + " prefill + " + (int) instances + " decode instances"
          : (int) instances + (instances > 1 ? " instances" : " instance");
      return pools + " of " + layout + (drafts > 0 ? ", " + drafts + " drafts" : "")
          + (overlap ? ", two micro-batches" : "");
    }
  }
}
