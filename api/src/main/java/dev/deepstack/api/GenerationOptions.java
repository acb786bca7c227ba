package dev.deepstack.api;

import dev.deepstack.runtime.sample.SamplingOptions;
import dev.deepstack.tensor.InvalidInputException;
import java.util.List;
import java.util.function.BooleanSupplier;

/// How to continue a prompt.
///
/// @param maxTokens most tokens to generate, at least 1
/// @param stops texts that end the answer; they are not part of it
/// @param endless whether the model's end tokens are tokens like others
/// @param cancelled asked between steps, possibly from another thread than the one that sets it; true ends the answer
public record GenerationOptions(
    int maxTokens, SamplingOptions sampling, List<String> stops, boolean endless, BooleanSupplier cancelled) {
  public GenerationOptions {
    stops = List.copyOf(stops);
    if (maxTokens < 1) {
      throw new InvalidInputException("max tokens must be at least 1, not " + maxTokens);
    }
    if (stops.contains("")) {
      throw new InvalidInputException("a stop string must have at least one character");
    }
  }

  public GenerationOptions(int maxTokens, SamplingOptions sampling) {
    this(maxTokens, sampling, List.of(), false, () -> false);
  }

  /// Always the most likely token.
  public static GenerationOptions greedy(int maxTokens) {
    return new GenerationOptions(maxTokens, SamplingOptions.greedy());
  }

  public GenerationOptions withStops(List<String> texts) {
    return new GenerationOptions(maxTokens, sampling, texts, endless, cancelled);
  }

  public GenerationOptions withoutEnd() {
    return new GenerationOptions(maxTokens, sampling, stops, true, cancelled);
  }

  public GenerationOptions withCancellation(BooleanSupplier when) {
    return new GenerationOptions(maxTokens, sampling, stops, endless, when);
  }
}
