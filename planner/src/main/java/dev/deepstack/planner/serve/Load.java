package dev.deepstack.planner.serve;

/// What users send.
///
/// @param input tokens of a prompt
/// @param output tokens of an answer
/// @param concurrency requests in flight in the whole system
/// @param hits share of the prompt that a cache holds already
/// @param burst whether all of them start at once, as benchmarks do
public record Load(double input, double output, double concurrency, double hits, boolean burst) {
  /// Tokens of a prompt that must be computed.
  public double computed() {
    return Math.max(1, input * (1 - hits));
  }

  /// Mean context while an answer is written.
  public double context() {
    return input + output / 2;
  }

  /// The same with other requests in flight.
  public Load at(double concurrency) {
    return new Load(input, output, concurrency, hits, burst);
  }
}
