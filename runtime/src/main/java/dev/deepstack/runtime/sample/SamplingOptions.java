package dev.deepstack.runtime.sample;

import dev.deepstack.tensor.InvalidInputException;

/// How the next token is chosen. The filters apply in this order: repetition penalty, temperature, `topK`, `topP`,
/// `minP`.
///
/// @param temperature divides the logits; 0 always takes the most likely token (greedy)
/// @param topK only the `topK` most likely tokens can be drawn; 0 is off
/// @param topP only the most likely tokens that together reach this share of the probability can be drawn, at
///     least one; 1 is off
/// @param minP only tokens at least this share as likely as the most likely one can be drawn; 0 is off
/// @param repetitionPenalty divides positive logits of tokens that occurred before and multiplies negative ones; 1 is
///     off
/// @param seed equal seeds draw equal tokens from equal logits
public record SamplingOptions(
    double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
  /// @throws InvalidInputException if an option is not a number or out of range
  public SamplingOptions {
    if (!(temperature >= 0) || Double.isInfinite(temperature)) {
      throw new InvalidInputException(
          "temperature must be 0 (greedy) or a positive number, not " + temperature);
    }
    if (topK < 0) {
      throw new InvalidInputException("topK must be 0 (off) or a positive count, not " + topK);
    }
    if (!(topP > 0 && topP <= 1)) {
      throw new InvalidInputException("topP must be above 0 and at most 1 (off), not " + topP);
    }
    if (!(minP >= 0 && minP <= 1)) {
      throw new InvalidInputException("minP must be from 0 (off) to 1, not " + minP);
    }
    if (!(repetitionPenalty > 0) || Double.isInfinite(repetitionPenalty)) {
      throw new InvalidInputException(
          "the repetition penalty must be a positive number, 1 for none, not " + repetitionPenalty);
    }
  }

  /// Without a least probability and a penalty.
  public SamplingOptions(double temperature, int topK, double topP, long seed) {
    this(temperature, topK, topP, 0, 1, seed);
  }

  /// Always the most likely token.
  public static SamplingOptions greedy() {
    return new SamplingOptions(0, 0, 1, 0);
  }

  /// Whether the choice is never random.
  public boolean isGreedy() {
    return temperature == 0 || topK == 1;
  }
}
