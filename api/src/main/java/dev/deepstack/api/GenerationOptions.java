package dev.deepstack.api;

import dev.deepstack.runtime.sample.SamplingOptions;
import dev.deepstack.tensor.InvalidInputException;

/// How to continue a prompt.
///
/// @param maxTokens most tokens to generate, at least 1
public record GenerationOptions(int maxTokens, SamplingOptions sampling) {
  public GenerationOptions {
    if (maxTokens < 1) {
      throw new InvalidInputException("max tokens must be at least 1, not " + maxTokens);
    }
  }

  /// Always the most likely token.
  public static GenerationOptions greedy(int maxTokens) {
    return new GenerationOptions(maxTokens, SamplingOptions.greedy());
  }
}
