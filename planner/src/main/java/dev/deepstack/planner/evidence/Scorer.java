package dev.deepstack.planner.evidence;

import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;

/// Scores predictions against published points by the rules that go with the data.
public final class Scorer {
  private static final double TIE = 0.03;

  private Scorer() {}

  /// Errors of a group: median, mean, the 90th percentile and the share within 20 %.
  public record Errors(double median, double mean, double p90, double within20, int n) {
    static Errors of(List<Double> errors) {
      if (errors.isEmpty()) {
        return new Errors(Double.NaN, Double.NaN, Double.NaN, Double.NaN, 0);
      }
      var sorted = new ArrayList<>(errors);
      Collections.sort(sorted);
      int n = sorted.size();
      double median = n % 2 == 1 ? sorted.get(n / 2) : (sorted.get(n / 2 - 1) + sorted.get(n / 2)) / 2;
      double p90 = sorted.get(Math.min(n - 1, (int) Math.ceil(0.9 * n) - 1));
      double mean = sorted.stream().mapToDouble(e -> e).average().orElse(0);
      double within = sorted.stream().filter(e -> e <= 0.2).count() / (double) n;
      return new Errors(median, mean, p90, within, n);
    }
  }

  /// One scored outcome.
  ///
  /// @param inside whether the published values lie inside the interval
  /// @param width the interval's width as a share of the prediction
  public record Row(Point point, String kind, String vendor, double error, boolean inside, double width,
      Map<String, Estimator.Estimate> values) {}

  /// A point without a prediction.
  public record Refused(String id, String reason, boolean unknownModel) {}

  /// Everything that scoring says.
  public record Report(Map<String, Errors> byKind, Map<String, Errors> byVendor, Map<String, Errors> byFamily,
      double familyMean, double coverage, double hitRate, double medianWidth, double winners, int pairs, double tau,
      int sweeps, List<Row> rows, List<Row> low, List<Refused> refused) {}

  /// Scores `points`.
  public static Report score(List<Point> points, Estimator estimator) {
    var rows = new ArrayList<Row>();
    var low = new ArrayList<Row>();
    var refused = new ArrayList<Refused>();
    int asked = 0;
    int lost = 0;
    for (Point p : points) {
      if (p.score().isEmpty()) {
        continue;
      }
      var refusal = estimator.refusal(p);
      boolean unknown = refusal.isPresent() && refusal.get().unknownModel();
      asked += unknown || p.isLow() ? 0 : 1;
      if (refusal.isPresent()) {
        refused.add(new Refused(p.id(), refusal.get().reason(), unknown));
        if (!unknown && !p.isLow()) {
          lost++;
          Outcome.of(p).forEach(o -> rows.add(new Row(p, o.kind(), "unknown", 1, false, 0, Map.of())));
        }
        continue;
      }
      for (Estimator.Answer a : estimator.answers(p)) {
        (p.isLow() ? low : rows).add(row(p, a, estimator.device(p).vendor()));
      }
    }
    var byKind = new LinkedHashMap<String, Errors>();
    for (String kind : Outcome.KINDS) {
      byKind.put(kind, Errors.of(rows.stream().filter(r -> r.kind().equals(kind)).map(Row::error).toList()));
    }
    Map<String, Errors> byFamily = group(rows, r -> r.point().family());
    double familyMean = byFamily.values().stream().mapToDouble(Errors::mean).average().orElse(Double.NaN);
    var answered = rows.stream().filter(r -> !r.values().isEmpty()).toList();
    double hits = answered.stream().filter(Row::inside).count() / (double) Math.max(1, answered.size());
    var widths = answered.stream().map(Row::width).sorted().toList();
    double width = widths.isEmpty() ? Double.NaN : widths.get(widths.size() / 2);
    Ranks.Pairs pairs = Ranks.winners(answered, TIE);
    Ranks.Pairs tau = Ranks.sweeps(answered);
    return new Report(byKind, group(rows, Row::vendor), byFamily, familyMean,
        asked == 0 ? 1 : (asked - lost) / (double) asked, hits, width, pairs.share(), pairs.count(), tau.share(),
        tau.count(), rows, low, refused);
  }

  private static Map<String, Errors> group(List<Row> rows, Function<Row, String> key) {
    var lists = new TreeMap<String, List<Double>>();
    rows.forEach(r -> lists.computeIfAbsent(key.apply(r), _ -> new ArrayList<>()).add(r.error()));
    var map = new LinkedHashMap<String, Errors>();
    lists.forEach((k, v) -> map.put(k, Errors.of(v)));
    return map;
  }

  private static Row row(Point p, Estimator.Answer a, String vendor) {
    double error = 0;
    boolean inside = true;
    double width = 0;
    for (String m : a.metrics()) {
      Estimator.Estimate e = java.util.Objects.requireNonNull(a.values().get(m));
      double published = p.metric(m);
      error += Double.isFinite(e.value()) ? Math.abs(e.value() / published - 1) : 1;
      inside &= published >= e.low() && published <= e.high();
      width = (e.high() - e.low()) / e.value();
    }
    return new Row(p, a.kind(), vendor, error / a.metrics().size(), inside, width, a.values());
  }

  /// The errors of rows.
  public static Errors errors(List<Row> rows) {
    return Errors.of(rows.stream().map(Row::error).toList());
  }
}
