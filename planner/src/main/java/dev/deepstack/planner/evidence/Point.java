package dev.deepstack.planner.evidence;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// One published measurement. Absent numbers are NaN.
///
/// @param kind what was measured and how: measured, vendor-offline, leaderboard, mlperf …
/// @param parallelism widths as published
/// @param metrics published values by name
/// @param score the metrics to be predicted
public record Point(String id, String family, String model, String device, double count, String phase,
    JsonNode parallelism, String precision, String framework, double input, double output, double context,
    double concurrency, double batchPerDevice, double drafts, double accepted, Map<String, Double> metrics,
    List<String> score, String conditions, String kind, String confidence,
    @Nullable JsonNode training) {
  /// Copies the collections.
  public Point {
    metrics = Map.copyOf(metrics);
    score = List.copyOf(score);
  }

  /// Whether it is a training run.
  public boolean isTraining() {
    return training != null;
  }

  /// Whether its conditions are too unclear to count.
  public boolean isLow() {
    return confidence.equals("low");
  }

  /// Whether an engine loop was measured instead of a server.
  public boolean isOffline() {
    return kind.equals("vendor-offline") || phase.equals("prefill");
  }

  /// A metric, or NaN.
  public double metric(String name) {
    return metrics.getOrDefault(name, Double.NaN);
  }
}
