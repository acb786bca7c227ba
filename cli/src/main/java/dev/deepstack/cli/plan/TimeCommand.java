package dev.deepstack.cli.plan;

import dev.deepstack.cli.output.Output;
import dev.deepstack.planner.PlanRequest;
import dev.deepstack.planner.Planner;
import dev.deepstack.planner.Slo;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.model.Catalog;
import java.io.PrintWriter;
import java.util.Arrays;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/// How long plans take.
@Command(name = "time", mixinStandardHelpOptions = true,
    description = "Measures how long one plan and a search over 64 devices take on this machine.")
final class TimeCommand implements Callable<Integer> {
  private static final int REPEATS = 11;

  @Mixin
  private Output output = new Output();

  @Override
  public Integer call() {
    long start = System.nanoTime();
    Planner planner = Planner.standard();
    PlanRequest q = PlanRequest.of(Catalog.standard().get("deepseek-v4-flash"),
        DeviceCatalog.standard().get("h200-sxm"), 64, 4096, 512, Slo.parse("ttft=2s,tpot=50ms"));
    planner.price(q, new Layout(1, 16, 1, 16, 1), 256);
    double first = (System.nanoTime() - start) / 1e6;
    double one = median(() -> planner.price(q, new Layout(1, 16, 1, 16, 1), 256));
    double search = median(() -> planner.plan(q));
    PrintWriter out = output.out();
    if (output.isJson()) {
      output.print(Map.of("first_plan_ms", first, "plan_ms", one, "search_64_ms", search));
    } else {
      out.printf(Locale.ROOT, "first plan with everything loaded %.0f ms; one plan %.1f ms; search over 64 devices "
          + "%.0f ms (medians of %d)%n", first, one, search, REPEATS);
    }
    return 0;
  }

  private static double median(Callable<?> work) {
    double[] ms = new double[REPEATS];
    for (int i = 0; i < REPEATS; i++) {
      long start = System.nanoTime();
      try {
        work.call();
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
      ms[i] = (System.nanoTime() - start) / 1e6;
    }
    Arrays.sort(ms);
    return ms[REPEATS / 2];
  }
}
