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
  private final Map<String, Constants> without = new LinkedHashMap<>();
  private final Map<Unit, List<Judged>> judged = new EnumMap<>(Unit.class);

  /// Fits the constants to `points`.
  public Calibrator(Catalog models, DeviceCatalog devices, List<Point> points) {
    this.models = models;
    this.devices = devices;
    predictor = new Predictor(models, devices);
    fit = new Fit(predictor, points);
    constants = fit.run();
    var measured = new ArrayList<Evidence.Measured>();
    for (Outcome o : fit.outcomes()) {
      double residual = o.residual(predictor.predict(o.point(), constants));
      if (Double.isFinite(residual)) {
        measured.add(new Evidence.Measured(o.point().id(), o.point().family(), place(o), residual,
            o.point().confidence().equals("high") ? 1 : 0.5));
      }
    }
    evidence = new Evidence(measured);
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
        leftOut.computeIfAbsent(o.point().id(), id -> fit.without(x -> x.point().id().equals(id)));
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
    var list = new ArrayList<Judged>();
    for (Outcome o : fit.outcomes()) {
      Point p = o.point();
      String name = unit + switch (unit) {
        case NONE -> "";
        case POINT -> p.id();
        case FAMILY -> p.family();
        case DEVICE -> p.device();
      };
      Constants c = unit == Unit.NONE ? constants : without.computeIfAbsent(name, _ -> fit.without(x -> switch (unit) {
        case NONE -> false;
        case POINT -> x.point().id().equals(p.id());
        case FAMILY -> x.point().family().equals(p.family());
        case DEVICE -> x.point().device().equals(p.device());
      }));
      Evidence e = evidence.without(m -> switch (unit) {
        case NONE -> false;
        case POINT -> m.id().equals(p.id());
        case FAMILY -> m.family().equals(p.family());
        case DEVICE -> m.place().device().equals(p.device());
      });
      Map<String, Double> predicted = predictor.predict(p, c);
      Evidence.Belief belief = e.at(place(o));
      list.add(new Judged(p, o.kind(), devices.get(p.device()).vendor(), o.error(predicted, Math.exp(belief.shift())),
          o.residual(predicted) - belief.shift(), belief.spread(), o.error(predicted, 1)));
    }
    return list;
  }
}
