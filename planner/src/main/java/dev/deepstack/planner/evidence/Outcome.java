package dev.deepstack.planner.evidence;

import java.util.List;
import java.util.Locale;
import java.util.Map;

/// What a point says about one kind of number.
///
/// @param kind tpot, prefill, system, ttft or training
/// @param metrics the published metrics behind it, which are averaged
record Outcome(Point point, String kind, List<String> metrics) {
  static final List<String> KINDS = List.of("tpot", "prefill", "system", "ttft", "training");

  /// The outcomes of a point.
  static List<Outcome> of(Point p) {
    var byKind = new java.util.LinkedHashMap<String, List<String>>();
    for (String m : p.score()) {
      byKind.computeIfAbsent(kind(p, m), _ -> new java.util.ArrayList<>()).add(m);
    }
    return byKind.entrySet().stream().map(e -> new Outcome(p, e.getKey(), List.copyOf(e.getValue()))).toList();
  }

  private static String kind(Point p, String metric) {
    if (p.isTraining()) {
      return "training";
    }
    if (metric.equals("tpot_ms") || metric.equals("step_ms") || metric.equals("itl_ms")) {
      return "tpot";
    }
    if (metric.equals("ttft_ms")) {
      return p.phase().startsWith("e2e") ? "ttft" : "prefill";
    }
    if (metric.startsWith("in_tok") || metric.equals("prefill_ms") || metric.equals("batch_latency_ms")) {
      return "prefill";
    }
    boolean follows = p.score().contains("tpot_ms") || p.score().contains("step_ms");
    return p.phase().equals("decode") || follows || p.concurrency() == 1 ? "tpot" : "system";
  }

  /// Whether more of the metric is faster.
  static boolean isRate(String metric) {
    String m = metric.toLowerCase(Locale.ROOT);
    return !m.endsWith("_ms") && !m.endsWith("_s") || m.contains("tok_s") ? !m.equals("device_hours_total") : false;
  }

  /// Logarithm of published over predicted time.
  double residual(Map<String, Double> predicted) {
    double sum = 0;
    for (String m : metrics) {
      double value = predicted.getOrDefault(m, Double.NaN);
      double log = Math.log(point.metric(m) / value);
      sum += isRate(m) ? -log : log;
    }
    return sum / metrics.size();
  }

  /// Mean error of the metrics when the predicted time is multiplied by `factor`.
  double error(Map<String, Double> predicted, double factor) {
    double sum = 0;
    for (String m : metrics) {
      double value = predicted.getOrDefault(m, Double.NaN);
      double ratio = (isRate(m) ? value / factor : value * factor) / point.metric(m);
      sum += Double.isNaN(ratio) ? 1 : Math.abs(ratio - 1);
    }
    return sum / metrics.size();
  }
}
