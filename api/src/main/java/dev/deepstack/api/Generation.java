package dev.deepstack.api;

import dev.deepstack.runtime.batch.Finish;

/// What was generated, and how fast.
///
/// @param text of the generated tokens, without special ones and up to a stop string
/// @param tokenIds the generated tokens, an end token included
/// @param promptTokens tokens of the prompt
/// @param prefillNs from the first step to the logits of the first new token
/// @param decodeNs for the steps after that
/// @param finish why it ended
public record Generation(
    String text, int[] tokenIds, int promptTokens, long prefillNs, long decodeNs, Finish finish) {
  /// Prompt tokens per second.
  public double prefillTokensPerSecond() {
    return promptTokens * 1e9 / Math.max(prefillNs, 1);
  }

  /// Tokens per second after the first, 0 if there was only one.
  public double decodeTokensPerSecond() {
    return (tokenIds.length - 1) * 1e9 / Math.max(decodeNs, 1);
  }

  Generation withText(String words) {
    return new Generation(words, tokenIds, promptTokens, prefillNs, decodeNs, finish);
  }
}
