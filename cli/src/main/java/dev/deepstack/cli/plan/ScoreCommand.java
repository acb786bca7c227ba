package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.evidence.Estimator;
import dev.deepstack.planner.evidence.Scorer;
import dev.deepstack.tensor.InvalidInputException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/// Scores predictions against published points.
@Command(name = "score", mixinStandardHelpOptions = true,
    description = "Scores predictions against a file of published points. A point that the calibration has seen is "
        + "predicted without its own help.")
final class ScoreCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE.json", arity = "1..*", description = "Points in the form of the planner's data.")
  private List<Path> files = List.of();

  @Option(names = "--points", description = "List every point.")
  private boolean each;

  @Mixin
  private FurtherDevices devices = new FurtherDevices();

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    DeviceCatalog catalog = devices.catalog();
    GivenPoints given = GivenPoints.read(files);
    if (given.points().isEmpty()) {
      throw new InvalidInputException("there are no points in " + files);
    }
    Scorer.Report report = Scorer.score(given.points(),
        new Estimator(given.models(), catalog, Calibration.standard()));
    PrintWriter out = output.out();
    if (output.isJson()) {
      output.print(json(report));
    } else {
      print(out, report);
    }
    return 0;
  }

  private Map<String, @Nullable Object> json(Scorer.Report r) {
    var map = new LinkedHashMap<String, @Nullable Object>();
    r.byKind().forEach((k, e) -> map.put(k, errors(e)));
    map.put("coverage", r.coverage());
    map.put("interval_hit_rate", finite(r.hitRate()));
    map.put("interval_median_width", finite(r.medianWidth()));
    map.put("winner_accuracy", finite(r.winners()));
    var vendors = new LinkedHashMap<String, @Nullable Object>();
    r.byVendor().forEach((k, e) -> vendors.put(k, errors(e)));
    map.put("by_vendor", vendors);
    map.put("winner_pairs", r.pairs());
    map.put("kendall_tau", finite(r.tau()));
    map.put("sweeps", r.sweeps());
    var families = new LinkedHashMap<String, @Nullable Object>();
    r.byFamily().forEach((k, e) -> families.put(k, errors(e)));
    map.put("by_family", families);
    map.put("family_mean", finite(r.familyMean()));
    map.put("low_confidence", errors(Scorer.errors(r.low())));
    map.put("refused", r.refused().stream().filter(x -> !x.unknownModel())
        .map(x -> Map.of("id", x.id(), "reason", x.reason())).toList());
    map.put("unknown_models", r.refused().stream().filter(Scorer.Refused::unknownModel)
        .map(x -> Map.of("id", x.id(), "reason", x.reason())).toList());
    if (each) {
      map.put("points", r.rows().stream().map(ScoreCommand::point).toList());
    }
    return map;
  }

  private static Map<String, @Nullable Object> point(Scorer.Row row) {
    var map = new LinkedHashMap<String, @Nullable Object>();
    map.put("id", row.point().id());
    map.put("kind", row.kind());
    map.put("error", finite(row.error()));
    map.put("inside", row.inside());
    row.values().forEach((m, e) -> map.put(m, Arrays.asList(finite(e.value()), finite(e.low()), finite(e.high()))));
    return map;
  }

  private static Map<String, @Nullable Object> errors(Scorer.Errors e) {
    var map = new LinkedHashMap<String, @Nullable Object>();
    map.put("median", finite(e.median()));
    map.put("p90", finite(e.p90()));
    map.put("n", e.n());
    map.put("mean", finite(e.mean()));
    map.put("within_20", finite(e.within20()));
    return map;
  }

  private static @Nullable Object finite(double v) {
    return Double.isFinite(v) ? v : null;
  }

  private void print(PrintWriter out, Scorer.Report r) {
    out.printf(Locale.ROOT, "%-28s %7s %7s %7s %8s %4s%n", "", "median", "mean", "p90", "in 20 %", "n");
    r.byKind().forEach((k, e) -> line(out, k, e));
    r.byVendor().forEach((k, e) -> line(out, k, e));
    line(out, "low confidence, apart", Scorer.errors(r.low()));
    out.printf(Locale.ROOT, "mean over %d families %.1f %%%n", r.byFamily().size(), 100 * r.familyMean());
    out.printf(Locale.ROOT, "coverage %.1f %%, 80 %% intervals hold for %.1f %% (median width %.0f %%)%n",
        100 * r.coverage(), 100 * r.hitRate(), 100 * r.medianWidth());
    out.printf(Locale.ROOT, "winner of device pairs right in %.1f %% of %d, Kendall's tau %.2f over %d sweeps%n",
        100 * r.winners(), r.pairs(), r.tau(), r.sweeps());
    r.refused().forEach(x -> out.println("refused " + x.id() + ": " + x.reason()
        + (x.unknownModel() ? " (reported apart)" : "")));
    if (each) {
      for (Scorer.Row row : r.rows()) {
        row.values().forEach((m, e) -> out.printf(Locale.ROOT, "%-52s %-24s %10.4g published %10.4g [%.4g, %.4g]%n",
            row.point().id(), m, e.value(), row.point().metric(m), e.low(), e.high()));
      }
    }
  }

  private static void line(PrintWriter out, String name, Scorer.Errors e) {
    if (e.n() > 0) {
      out.printf(Locale.ROOT, "%-28s %6.1f%% %6.1f%% %6.1f%% %7.1f%% %4d%n", name, 100 * e.median(), 100 * e.mean(),
          100 * e.p90(), 100 * e.within20(), e.n());
    }
  }
}
