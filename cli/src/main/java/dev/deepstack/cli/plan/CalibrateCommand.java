package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.AccuracyPage;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.evidence.Calibrator;
import dev.deepstack.planner.evidence.PointReader;
import dev.deepstack.tensor.InvalidInputException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;

/// Finds the planner's constants from published points.
@Command(name = "calibrate", mixinStandardHelpOptions = true,
    description = "Finds the planner's constants from published points, and says how well they predict what they have "
        + "not seen. Without files it takes the points that come with the planner, and finds the shipped constants.")
final class CalibrateCommand implements Callable<Integer> {
  @Parameters(paramLabel = "FILE.json", arity = "0..*", description = "Points instead of the planner's own.")
  private List<Path> files = List.of();

  @Option(names = {"-o", "--output"}, paramLabel = "FILE", description = "Write the calibration here.")
  private @Nullable Path file;

  @Option(names = "--page", paramLabel = "FILE.md", description = "Write the tables of accuracy here.")
  private @Nullable Path page;

  @Option(names = "--check", description = "Fail unless the shipped calibration comes out.")
  private boolean check;

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    GivenPoints given = GivenPoints.read(files);
    var calibrator = new Calibrator(given.models(), DeviceCatalog.standard(),
        files.isEmpty() ? PointReader.standard() : given.points());
    Calibration calibration = calibrator.calibration();
    String text = JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(calibration.json()) + "\n";
    PrintWriter out = output.out();
    if (output.isJson()) {
      output.print(Map.of("calibration", calibration.json(), "accuracy", AccuracyPage.rows(calibrator)));
    } else {
      print(out, calibration);
      out.println();
      out.print(AccuracyPage.table(calibrator));
    }
    if (file != null) {
      GivenFiles.write(file, text);
    }
    if (page != null) {
      GivenFiles.write(page, AccuracyPage.page(calibrator, calibration) + kept(page));
    }
    if (check && !calibration.json().equals(Calibration.standard().json())) {
      throw new InvalidInputException("the shipped calibration does not come out of these points; write it anew with "
          + "deepstack plan calibrate -o planner/src/main/resources/dev/deepstack/planner/calibration.json");
    }
    return 0;
  }

  /// What a page says after the tables: measurements of this machine, which no calibration makes again.
  private static String kept(Path page) {
    String old = Files.isRegularFile(page) ? GivenFiles.text(page) : "";
    int at = old.indexOf(AccuracyPage.AFTER);
    return at < 0 ? "" : old.substring(at);
  }

  private static void print(PrintWriter out, Calibration c) {
    for (Constants.Shared s : Constants.Shared.all()) {
      out.printf(Locale.ROOT, "%-10s %10.4g  (from %g)%n", s, c.constants().get(s), s.start());
    }
    c.constants().device().forEach((id, v) ->
        out.printf(Locale.ROOT, "%-24s launches x %.2f, compute time x %.2f%n", id, v[0], v[1]));
  }
}
