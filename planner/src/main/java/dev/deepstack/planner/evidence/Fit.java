package dev.deepstack.planner.evidence;

import dev.deepstack.planner.cost.Constants;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.IntStream;

/// Robust regression of the constants on the logarithm of the error: damped Gauss-Newton with Huber weights, pulled
/// towards where the constants start. Deterministic: fixed order, fixed number of steps.
public final class Fit {
  private static final double SIGMA = 0.18;
  private static final double HUBER = 1.2;
  private static final double DEVICE_SPREAD = 0.30;
  private static final double STEP = 0.03;
  private static final int STEPS = 12;

  private final Predictor predictor;
  private final List<Outcome> outcomes = new ArrayList<>();
  private final List<String> devices = new ArrayList<>();
  private final double[] weight;
  /// Where the outcomes of each point begin, and the end.
  private final int[] firsts;
  private final int shared = Constants.Shared.all().size();
  private double[] theta;
  private double[] residual;
  private double[][] jacobian = new double[0][];

  /// @param points what to fit
  Fit(Predictor predictor, List<Point> points) {
    this.predictor = predictor;
    var family = new LinkedHashMap<String, Integer>();
    for (Point p : points) {
      if (!p.isLow() && predictor.refusal(p).isEmpty()) {
        for (Outcome o : Outcome.of(p)) {
          outcomes.add(o);
          family.merge(p.family() + o.kind(), 1, Integer::sum);
          if (!devices.contains(p.device())) {
            devices.add(p.device());
          }
        }
      }
    }
    weight = new double[outcomes.size()];
    for (int i = 0; i < weight.length; i++) {
      Outcome o = outcomes.get(i);
      double often = family.getOrDefault(o.point().family() + o.kind(), 1);
      double trust = o.point().confidence().equals("high") ? 1 : 0.6;
      double kind = o.kind().equals("ttft") || o.kind().equals("system") ? 0.4 : 1;
      weight[i] = trust * kind / Math.sqrt(often);
    }
    firsts = IntStream.rangeClosed(0, outcomes.size()).filter(i -> i == 0 || i == outcomes.size()
        || !outcomes.get(i).point().id().equals(outcomes.get(i - 1).point().id())).toArray();
    theta = new double[shared + 2 * devices.size()];
    residual = new double[outcomes.size()];
  }

  /// Fits all outcomes.
  Constants run() {
    residual = residuals(theta, null);
    jacobian = jacobian();
    double damping = 1e-3;
    for (int step = 0; step < STEPS; step++) {
      double before = loss(residual, theta);
      boolean better = false;
      for (int attempt = 0; attempt < 6 && !better; attempt++) {
        double[] next = solve(theta, residual, o -> true, damping);
        double[] r = residuals(next, null);
        if (loss(r, next) < before) {
          theta = next;
          residual = r;
          damping = Math.max(1e-6, damping / 5);
          better = true;
        } else {
          damping *= 10;
        }
      }
      if (!better) {
        break;
      }
      jacobian = jacobian();
    }
    return constants(theta);
  }

  /// A fit without some of the outcomes.
  ///
  /// @param residual of all outcomes, in their order
  record Without(Constants constants, double[] residual) {}

  /// The fit as it comes out without the outcomes that `out` picks: one step from the whole fit.
  Without without(Predicate<Outcome> out) {
    double[] t = theta;
    double[] r = residual;
    for (int i = 0; i < 3; i++) {
      double[] next = solve(t, r, o -> !out.test(o), 1e-6);
      double[] moved = new double[r.length];
      for (int k = 0; k < r.length; k++) {
        moved[k] = residual[k];
        for (int j = 0; j < next.length; j++) {
          moved[k] += jacobian[k][j] * (next[j] - theta[j]);
        }
      }
      t = next;
      r = moved;
    }
    return new Without(constants(t), r);
  }

  /// By constant, the points that pull most at it.
  Map<String, List<String>> sources() {
    var sources = new LinkedHashMap<String, List<String>>();
    for (int k = 0; k < theta.length; k++) {
      int column = k;
      String name = k < shared ? Constants.Shared.all().get(k).name()
          : devices.get((k - shared) / 2) + ((k - shared) % 2 == 0 ? ".launch" : ".compute");
      var order = new ArrayList<Integer>();
      for (int i = 0; i < residual.length; i++) {
        if (Math.abs(jacobian[i][column]) > 0.02) {
          order.add(i);
        }
      }
      order.sort(java.util.Comparator.comparingDouble((Integer i) -> -weight[i] * Math.abs(jacobian[i][column]))
          .thenComparingInt(i -> i));
      sources.put(name, order.stream().map(i -> outcomes.get(i).point().id()).distinct().limit(8).toList());
    }
    return sources;
  }

  List<Outcome> outcomes() {
    return outcomes;
  }

  Constants constants(double[] t) {
    double[] values = new double[shared];
    for (Constants.Shared s : Constants.Shared.all()) {
      double log = Math.clamp(t[s.index()], -2.5, 2.5);
      double value = s.start() * Math.exp(log);
      boolean isShare = s == Constants.Shared.MEMORY || s == Constants.Shared.COMPUTE || s == Constants.Shared.GATHER
          || s == Constants.Shared.TRAINING;
      values[s.index()] = isShare ? Math.min(value, 0.97) : value;
    }
    var map = new LinkedHashMap<String, double[]>();
    for (int d = 0; d < devices.size(); d++) {
      map.put(devices.get(d), new double[] {Math.exp(Math.clamp(t[shared + 2 * d], -1.5, 1.5)),
          Math.exp(Math.clamp(t[shared + 2 * d + 1], -1.5, 1.5))});
    }
    return new Constants(values, map);
  }

  private double spread(int j) {
    return j < shared ? Constants.Shared.all().get(j).spread() : DEVICE_SPREAD;
  }

  private double loss(double[] r, double[] t) {
    double sum = 0;
    for (int i = 0; i < r.length; i++) {
      double z = Math.abs(r[i]) / SIGMA;
      sum += weight[i] * (z <= HUBER ? z * z / 2 : HUBER * (z - HUBER / 2));
    }
    for (int j = 0; j < t.length; j++) {
      sum += t[j] * t[j] / (2 * spread(j) * spread(j));
    }
    return sum;
  }

  /// Residuals at `t`, only for points of `device` unless it is null.
  private double[] residuals(double[] t, @org.jspecify.annotations.Nullable String device) {
    Constants c = constants(t);
    double[] r = Arrays.copyOf(residual, residual.length);
    // Every point writes its own numbers, so the order in which threads take them does not matter.
    IntStream.range(0, firsts.length - 1).parallel().forEach(k -> {
      Point p = outcomes.get(firsts[k]).point();
      if (device == null || p.device().equals(device)) {
        Map<String, Double> predicted = predictor.predict(p, c);
        for (int i = firsts[k]; i < firsts[k + 1]; i++) {
          double value = outcomes.get(i).residual(predicted);
          r[i] = Double.isFinite(value) ? Math.clamp(value, -5, 5) : 5;
        }
      }
    });
    return r;
  }

  private double[][] jacobian() {
    double[][] j = new double[residual.length][theta.length];
    for (int k = 0; k < theta.length; k++) {
      double[] moved = theta.clone();
      moved[k] += STEP;
      double[] r = residuals(moved, k < shared ? null : devices.get((k - shared) / 2));
      for (int i = 0; i < r.length; i++) {
        j[i][k] = (r[i] - residual[i]) / STEP;
      }
    }
    return j;
  }

  private double[] solve(double[] t, double[] r, Predicate<Outcome> in, double damping) {
    int n = t.length;
    double[][] a = new double[n][n + 1];
    for (int i = 0; i < r.length; i++) {
      if (!in.test(outcomes.get(i))) {
        continue;
      }
      double z = Math.abs(r[i]) / SIGMA;
      double w = weight[i] * (z <= HUBER ? 1 : HUBER / z) / (SIGMA * SIGMA);
      for (int x = 0; x < n; x++) {
        if (jacobian[i][x] != 0) {
          for (int y = 0; y < n; y++) {
            a[x][y] += w * jacobian[i][x] * jacobian[i][y];
          }
          a[x][n] -= w * jacobian[i][x] * r[i];
        }
      }
    }
    for (int x = 0; x < n; x++) {
      double prior = 1 / (spread(x) * spread(x));
      a[x][x] = a[x][x] * (1 + damping) + prior;
      a[x][n] -= prior * t[x];
    }
    double[] d = Linear.solve(a);
    double[] next = t.clone();
    for (int x = 0; x < n; x++) {
      next[x] += Math.clamp(d[x], -0.7, 0.7);
    }
    return next;
  }
}
