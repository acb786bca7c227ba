package dev.deepstack.planner.evidence;

import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.model.Catalog;
import java.util.ArrayList;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Predicate;

/// From published points to a calibration, and what it is worth on points that it has not seen.
public final class Calibrator {
  /// Device whose points are never judged by themselves.
  private static final String LEFT_OUT = "ascend-950pr";
  private static final double HELD = 0.8;

  private final Catalog models;
  private final DeviceCatalog devices;
  private final Predictor predictor;
  private final Fit fit;
  private final Constants constants;
  private final Evidence evidence;
  private final Map<Unit, List<Judged>> judged = new EnumMap<>(Unit.class);

  /// Fits the constants to `points`.
  public Calibrator(Catalog models, DeviceCatalog devices, List<Point> points) {
    this.models = models;
    this.devices = devices;
    predictor = new Predictor(models, devices);
    fit = new Fit(predictor, points);
    constants = fit.run();
    double[] residual = new double[fit.outcomes().size()];
    for (int i = 0; i < residual.length; i++) {
      Outcome o = fit.outcomes().get(i);
      residual[i] = o.residual(predictor.predict(o.point(), constants));
    }
    evidence = evidence(residual, _ -> false);
  }

  /// What outcomes say whose residuals are known, but those that `out` picks.
  private Evidence evidence(double[] residual, Predicate<Outcome> out) {
    var measured = new ArrayList<Evidence.Measured>();
    for (int i = 0; i < residual.length; i++) {
      Outcome o = fit.outcomes().get(i);
      if (Double.isFinite(residual[i]) && !out.test(o)) {
        measured.add(new Evidence.Measured(o.point().id(), o.point().family(), place(o), residual[i],
            o.point().confidence().equals("high") ? 1 : 0.5));
      }
    }
    return new Evidence(measured);
  }

  private Evidence.Place place(Outcome o) {
    return Places.of(o, models.get(o.point().model()), devices.get(o.point().device()));
  }

  /// The calibration.
  public Calibration calibration() {
    var z = new TreeMap<String, List<Double>>();
    for (Judged j : judged(Unit.POINT)) {
      z.computeIfAbsent(j.kind(), _ -> new ArrayList<>()).add(Math.abs(j.residual()) / j.spread());
    }
    for (Judged j : judged(Unit.FAMILY)) {
      z.computeIfAbsent(j.kind(), _ -> new ArrayList<>()).add(Math.abs(j.residual()) / j.spread());
    }
    var quantiles = new TreeMap<String, Double>();
    z.forEach((kind, list) -> {
      Collections.sort(list);
      quantiles.put(kind, list.get(Math.min(list.size() - 1, (int) Math.ceil(HELD * (list.size() + 1)) - 1)));
    });
    var leftOut = new LinkedHashMap<String, Constants>();
    for (Outcome o : fit.outcomes()) {
      if (o.point().device().equals(LEFT_OUT)) {
        leftOut.computeIfAbsent(o.point().id(), id -> fit.without(x -> x.point().id().equals(id)).constants());
      }
    }
    return new Calibration(constants, evidence, quantiles, leftOut, fit.sources());
  }

  /// What is left out together.
  public enum Unit {
    /// Nothing: the calibration sees what it is judged by.
    NONE("nothing left out"),
    /// One point.
    POINT("the point left out"),
    /// A sweep or a source.
    FAMILY("its family left out"),
    /// Everything on a device.
    DEVICE("its device left out");

    final String words;

    Unit(String words) {
      this.words = words;
    }

    /// What a point is left out together with.
    String of(Point p) {
      return switch (this) {
        case NONE -> "";
        case POINT -> p.id();
        case FAMILY -> p.family();
        case DEVICE -> p.device();
      };
    }
  }

  /// How a number came out that the calibration had not seen.
  ///
  /// @param error mean error of the metrics
  /// @param residual logarithm of published over predicted time
  /// @param spread standard deviation that was expected
  /// @param bare error of the constants alone, without evidence beside them
  public record Judged(Point point, String kind, String vendor, double error, double residual, double spread,
      double bare) {}

  /// Judges every outcome with its unit left out.
  public List<Judged> judged(Unit unit) {
    return judged.computeIfAbsent(unit, this::judge);
  }

  private List<Judged> judge(Unit unit) {
    var without = new ConcurrentHashMap<String, Known>();
    return fit.outcomes().parallelStream().map(o -> {
      Known known = without.computeIfAbsent(unit.of(o.point()), name -> known(unit, name));
      Map<String, Double> predicted = predictor.predict(o.point(), known.constants());
      Evidence.Belief belief = known.evidence().at(place(o));
      return new Judged(o.point(), o.kind(), devices.get(o.point().device()).vendor(),
          o.error(predicted, Math.exp(belief.shift())), o.residual(predicted) - belief.shift(), belief.spread(),
          o.error(predicted, 1));
    }).toList();
  }

  /// What is known when something is left out.
  private record Known(Constants constants, Evidence evidence) {}

  private Known known(Unit unit, String name) {
    if (unit == Unit.NONE) {
      return new Known(constants, evidence);
    }
    Predicate<Outcome> out = o -> unit.of(o.point()).equals(name);
    Fit.Without rest = fit.without(out);
    return new Known(rest.constants(), evidence(rest.residual(), out));
  }
}
