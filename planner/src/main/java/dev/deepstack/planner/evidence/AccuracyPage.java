package dev.deepstack.planner.evidence;

import dev.deepstack.planner.cost.Constants;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/// The tables of `docs/planner-accuracy.md`, written from the data.
public final class AccuracyPage {
  /// Where the part of the page begins that is written by hand.
  public static final String AFTER = "\n## This machine\n";

  private AccuracyPage() {}

  /// Median and 90th percentile of the error by kind, with nothing, points, families and devices left out.
  public static String table(Calibrator c) {
    var text = new StringBuilder();
    text.append("| | constants | with evidence |\n|---|---|---|\n");
    for (Calibrator.Unit unit : Calibrator.Unit.values()) {
      for (String kind : Outcome.KINDS) {
        List<Calibrator.Judged> list = c.judged(unit).stream().filter(j -> j.kind().equals(kind)).toList();
        text.append(String.format(Locale.ROOT, "| %s, %s (%d) | %s | %s |%n", kind, unit.words, list.size(),
            pair(list.stream().map(Calibrator.Judged::bare).toList()),
            pair(list.stream().map(Calibrator.Judged::error).toList())));
      }
    }
    return text.toString();
  }

  /// The same as data: by what is left out and by kind, the errors with evidence.
  public static Map<String, Map<String, Scorer.Errors>> rows(Calibrator c) {
    var rows = new LinkedHashMap<String, Map<String, Scorer.Errors>>();
    for (Calibrator.Unit unit : Calibrator.Unit.values()) {
      var kinds = new LinkedHashMap<String, Scorer.Errors>();
      for (String kind : Outcome.KINDS) {
        kinds.put(kind, Scorer.Errors.of(c.judged(unit).stream().filter(j -> j.kind().equals(kind))
            .map(Calibrator.Judged::error).toList()));
      }
      rows.put(unit.words, kinds);
    }
    return rows;
  }

  private static String pair(List<Double> errors) {
    Scorer.Errors e = Scorer.Errors.of(errors);
    return String.format(Locale.ROOT, "%.1f / %.1f", 100 * e.median(), 100 * e.p90());
  }

  /// The whole page.
  public static String page(Calibrator c, Calibration calibration) {
    var text = new StringBuilder("""
        # How accurate the planner is

        Written by `./deepstack plan calibrate --page docs/planner-accuracy.md` from the published points that come
        with the planner; a test keeps it equal to the data. Errors are |predicted / published - 1| in percent, median
        / 90th percentile, `low` confidence points left out. *Constants* is the cost model with its eight shared and two
        constants per device. *With evidence* adds what measurements nearby say about the model's error, which fades
        with distance. Only rows with something left out say anything about unseen points: the point (another setting
        of a known sweep), the family (a new source), or the device (new hardware).

        """);
    text.append(table(c));
    text.append("\n## By vendor, the family left out\n\n| | with evidence | n |\n|---|---|---|\n");
    group(text, c.judged(Calibrator.Unit.FAMILY), Calibrator.Judged::vendor);
    text.append("\n## By device, the device left out\n\n| | with evidence | n |\n|---|---|---|\n");
    group(text, c.judged(Calibrator.Unit.DEVICE), j -> j.point().device());
    text.append("\n## By family, the family left out\n\n| | with evidence | n |\n|---|---|---|\n");
    group(text, c.judged(Calibrator.Unit.FAMILY), j -> j.point().family());
    text.append("""

        ## Constants

        Shared, with the value they start from (a prior that pulls them back) and the points that say most:

        | | value | start | most from |
        |---|---|---|---|
        """);
    for (Constants.Shared s : Constants.Shared.all()) {
      text.append(String.format(Locale.ROOT, "| %s | %.4g | %.4g | %s |%n", s.name().toLowerCase(Locale.ROOT),
          calibration.constants().get(s), s.start(), few(calibration, s.name())));
    }
    text.append("""

        Per device, factors that start from 1:

        | | launches | compute time | most from |
        |---|---|---|---|
        """);
    calibration.constants().device().forEach((id, v) -> text.append(String.format(Locale.ROOT,
        "| %s | %.2f | %.2f | %s |%n", id, v[0], v[1], few(calibration, id + ".launch"))));
    text.append("\nThe 80 % interval is the spread that evidence leaves, times:");
    calibration.quantiles().forEach((k, v) -> text.append(String.format(Locale.ROOT, " %s %.2f", k, v)));
    text.append(".\n");
    return text.toString();
  }

  private static String few(Calibration c, String name) {
    return String.join(", ", c.sources().getOrDefault(name, List.of()).stream().limit(3)
        .map(id -> id.substring(0, Math.min(7, id.length()))).toList());
  }

  private static void group(StringBuilder text, List<Calibrator.Judged> judged,
      java.util.function.Function<Calibrator.Judged, String> key) {
    var lists = new TreeMap<String, List<Double>>();
    judged.forEach(j -> lists.computeIfAbsent(key.apply(j), _ -> new ArrayList<>()).add(j.error()));
    lists.forEach((k, v) -> text.append(String.format(Locale.ROOT, "| %s | %s | %d |%n", k, pair(v), v.size())));
  }
}
