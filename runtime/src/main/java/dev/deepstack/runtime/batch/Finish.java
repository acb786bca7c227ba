package dev.deepstack.runtime.batch;

/// Why an answer ended.
public enum Finish {
  /// The model said so, by an end token.
  END,
  /// A stop string came.
  STOP,
  /// As many tokens as were asked for.
  LENGTH,
  /// Prompt and answer fill the context.
  CONTEXT,
  /// Somebody asked to stop.
  CANCELLED,
  /// The step failed; what was asked of it threw.
  FAILED
}
