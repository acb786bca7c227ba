package dev.deepstack.planner.evidence;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/// What measurements nearby say about the cost model's error: Gaussian-process regression on the logarithm of
/// published over predicted time. Where nothing is near it says nothing, with the spread that the model has by itself.
public final class Evidence {
  /// What decides how near two situations are.
  ///
  /// @param kind tpot, prefill, system, ttft or training
  /// @param stack framework without its version
  /// @param attention kind of attention, which models share
  /// @param batch requests in flight per device, or 0
  /// @param context tokens in the cache, or of a prompt
  /// @param layout whether attention is shared out by heads or by requests
  public record Place(String kind, String model, String attention, String device, String vendor, String stack,
      String precision, String phase, double batch, double context, double layout, double drafts) {}

  /// A measurement at a place.
  ///
  /// @param id the point, or what else tells it apart
  /// @param residual logarithm of published over predicted time
  public record Measured(String id, String family, Place place, double residual, double trust) {}

  /// What evidence says about a place.
  ///
  /// @param shift to be added to the logarithm of the time
  /// @param spread standard deviation of that logarithm
  public record Belief(double shift, double spread) {}

  private static final double NOISE = 0.05;
  /// Shares of the error that are the same everywhere, and everywhere for a model.
  private static final double ALL = 0.08;
  private static final double SAME_MODEL = 0.20;

  private final List<Measured> measured;

  /// @param measured what is known
  public Evidence(List<Measured> measured) {
    this.measured = List.copyOf(measured);
  }

  /// What is known.
  public List<Measured> measured() {
    return measured;
  }

  /// Without the measurements that `out` picks.
  public Evidence without(java.util.function.Predicate<Measured> out) {
    return new Evidence(measured.stream().filter(m -> !out.test(m)).toList());
  }

  /// What measurements say about a place.
  public Belief at(Place place) {
    var near = new ArrayList<Measured>();
    for (Measured m : measured) {
      if (m.place().kind().equals(place.kind()) && covariance(place, m.place()) > 1e-4) {
        near.add(m);
      }
    }
    double variance = covariance(place, place);
    if (near.isEmpty()) {
      return new Belief(0, Math.sqrt(variance + NOISE * NOISE));
    }
    int n = near.size();
    double[] k = new double[n];
    double[][] a = new double[n][n + 1];
    for (int i = 0; i < n; i++) {
      Measured m = near.get(i);
      k[i] = covariance(place, m.place());
      for (int j = 0; j <= i; j++) {
        a[i][j] = covariance(m.place(), near.get(j).place());
        a[j][i] = a[i][j];
      }
      double noise = NOISE / m.trust();
      a[i][i] += noise * noise;
      a[i][n] = k[i];
    }
    double[] weight = Linear.solve(a);
    double shift = 0;
    double explained = 0;
    for (int i = 0; i < n; i++) {
      // A wild reading must not drag its neighbours along.
      shift += weight[i] * Math.clamp(near.get(i).residual(), -1.2, 1.2);
      explained += k[i] * weight[i];
    }
    return new Belief(shift, Math.sqrt(Math.max(0, variance - explained) + NOISE * NOISE));
  }

  /// The measurements nearest to a place, nearest first.
  public List<Measured> nearest(Place place, int count) {
    return measured.stream().filter(m -> m.place().kind().equals(place.kind()))
        .sorted(java.util.Comparator.comparingDouble((Measured m) -> distance(place, m.place()))
            .thenComparing(Measured::id)).limit(count).toList();
  }

  private static double amplitude(Place p) {
    return switch (p.kind()) {
      case "tpot" -> 0.15;
      case "prefill" -> 0.28;
      case "ttft" -> 0.34;
      case "system" -> 0.45;
      default -> 0.22;
    };
  }

  private static double covariance(Place a, Place b) {
    double s = amplitude(a) * amplitude(b);
    return s * (Math.exp(-distance(a, b)) + ALL + (a.model().equals(b.model()) ? SAME_MODEL : 0));
  }

  /// How far two places are apart; 1 is about half of a common error.
  public static double distance(Place a, Place b) {
    double d = a.model().equals(b.model()) ? 0 : a.attention().equals(b.attention()) ? 0.3 : 1.6;
    d += a.device().equals(b.device()) ? 0 : a.vendor().equals(b.vendor()) ? 0.6 : 0.85;
    d += a.stack().equals(b.stack()) ? 0 : 0.35;
    d += a.precision().equals(b.precision()) ? 0 : 0.33;
    d += a.phase().equals(b.phase()) ? 0 : 0.2;
    d += Math.abs(Math.log((1 + a.batch()) / (1 + b.batch()))) * 0.17;
    d += Math.abs(Math.log((256 + a.context()) / (256 + b.context()))) * 0.3;
    d += Math.abs(a.layout() - b.layout()) * 0.05;
    d += Math.abs(a.drafts() - b.drafts()) * 0.07;
    return d;
  }

  /// The name of a framework without version and branch.
  public static String stack(String framework) {
    String f = framework.toLowerCase(Locale.ROOT).split("[ ,]")[0];
    return switch (f) {
      case "tensorrt-llm" -> "trtllm";
      default -> Objects.requireNonNull(f);
    };
  }
}
