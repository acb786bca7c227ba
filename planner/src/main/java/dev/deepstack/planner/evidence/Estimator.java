package dev.deepstack.planner.evidence;

import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ModelShape;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/// Predictions for published points: the cost model, what evidence beside them says, and an interval.
public final class Estimator {
  private static final double UNSURE = 1.35;

  private final Catalog models;
  private final DeviceCatalog devices;
  private final Calibration calibration;
  private final Predictor predictor;

  /// @param calibration constants and evidence
  public Estimator(Catalog models, DeviceCatalog devices, Calibration calibration) {
    this.models = models;
    this.devices = devices;
    this.calibration = calibration;
    this.predictor = new Predictor(models, devices);
  }

  /// A predicted number with the interval that holds four of five.
  public record Estimate(double value, double low, double high) {}

  /// What is said about a point, by metric.
  public record Answer(String kind, List<String> metrics, Map<String, Estimate> values) {}

  /// Why a point gets no answer, if so.
  public Optional<Predictor.Refusal> refusal(Point p) {
    return predictor.refusal(p);
  }

  /// The device of a point.
  public Device device(Point p) {
    return devices.get(p.device());
  }

  /// One answer for each kind of number that a point scores. A point that is among the evidence does not see itself.
  public List<Answer> answers(Point p) {
    Constants c = calibration.leftOut().getOrDefault(p.id(), calibration.constants());
    Map<String, Double> predicted = predictor.predict(p, c);
    ModelShape model = models.get(p.model());
    Device device = devices.get(p.device());
    Evidence others = calibration.evidence().without(m -> m.id().equals(p.id()));
    return Outcome.of(p).stream().map(o -> {
      Evidence.Place place = Places.of(o, model, device);
      Evidence.Belief belief = others.at(place);
      double width = belief.spread() * calibration.quantiles().getOrDefault(o.kind(), 1.5)
          * (model.confidence().equals("low") || p.isLow() ? UNSURE : 1);
      var values = new LinkedHashMap<String, Estimate>();
      for (String m : o.metrics()) {
        double sign = Outcome.isRate(m) ? -1 : 1;
        double value = predicted.getOrDefault(m, Double.NaN) * Math.exp(sign * belief.shift());
        values.put(m, new Estimate(value, value * Math.exp(-width), value * Math.exp(width)));
      }
      return new Answer(o.kind(), o.metrics(), values);
    }).toList();
  }
}
