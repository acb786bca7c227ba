package dev.deepstack.api;

import java.util.List;

/// Several prompts answered at once, and how fast.
///
/// @param answers in the order of the prompts; their times are those of all together
/// @param promptTokens of all prompts
/// @param prefillNs until every answer had its first token
/// @param decodeTokens generated after that
/// @param decodeNs for these
public record Together(List<Generation> answers, int promptTokens, long prefillNs, int decodeTokens, long decodeNs) {
  /// Prompt tokens per second of all prompts together.
  public double prefillTokensPerSecond() {
    return promptTokens * 1e9 / Math.max(prefillNs, 1);
  }

  /// Tokens per second of all answers together.
  public double decodeTokensPerSecond() {
    return decodeTokens * 1e9 / Math.max(decodeNs, 1);
  }
}
