package dev.deepstack.planner.report;

import dev.deepstack.planner.Plan;
import dev.deepstack.planner.PlanRequest;
import dev.deepstack.planner.cost.Terms;
import dev.deepstack.planner.evidence.Evidence;
import java.util.Locale;
import java.util.OptionalDouble;
import java.util.stream.IntStream;

/// Plans as text for a terminal.
public final class TextReport {
  private TextReport() {}

  /// The whole comparison.
  public static String of(PlanSet set) {
    var text = new StringBuilder();
    PlanRequest q = set.plans().getFirst().request();
    line(text, "%s: prompts of %d tokens, answers of %d%s%s", q.model().name(), q.input(), q.output(),
        q.hits() > 0 ? String.format(Locale.ROOT, ", %.0f %% of prompts cached", 100 * q.hits()) : "",
        Double.isNaN(q.concurrency()) ? "" : String.format(Locale.ROOT, ", %.0f requests in flight", q.concurrency()));
    line(text, "%s", set.verdict());
    line(text, "");
    line(text, "%-26s %5s %-52s %6s %20s %18s %10s %12s %7s %8s", "device", "count", "configuration", "batch",
        "TPOT ms [80 %]", "TTFT s [80 %]", "tok/s", "per device", "memory", "$/M out");
    for (Plan p : set.plans()) {
      row(text, set, p);
    }
    for (Plan p : set.plans()) {
      Plan.Choice best = p.best();
      if (best != null) {
        why(text, set, p, best);
      }
    }
    line(text, "");
    line(text, "TPOT is time per accepted token after the first; TTFT includes waiting. Intervals hold four of five");
    line(text, "published points that the calibration had not seen. Prices: %s. Repeat: %s", set.money().basis(),
        set.command());
    return text.toString();
  }

  private static void row(StringBuilder text, PlanSet set, Plan p) {
    PlanRequest q = p.request();
    Plan.Choice c = p.best();
    if (c == null) {
      line(text, "%-26s %5d %s", q.device().label(), q.count(), String.valueOf(p.refusal()));
      return;
    }
    OptionalDouble price = set.money().price(q.device());
    String cost = price.isPresent()
        ? String.format(Locale.ROOT, "%.2f", Money.perMillion(price.getAsDouble(), q.count(), c.output().value()))
        : "no price";
    line(text, "%-26s %5d %-52s %6.0f %6.1f [%5.1f, %6.1f] %5.2f [%4.2f, %5.2f] %10.0f %12.0f %5.0f %% %8s",
        q.device().label(), q.count(), c.words(), c.batch(), c.tpot().value() * 1e3, c.tpot().low() * 1e3,
        c.tpot().high() * 1e3, c.ttft().value(), c.ttft().low(), c.ttft().high(), c.output().value(),
        c.output().value() / q.count(), 100 * c.memory().share(), cost);
  }

  private static void why(StringBuilder text, PlanSet set, Plan p, Plan.Choice c) {
    PlanRequest q = p.request();
    line(text, "");
    line(text, "%d x %s, %s", q.count(), q.device().label(), c.precision().text());
    double[] terms = c.step().values();
    var top = IntStream.range(0, terms.length).boxed()
        .sorted((a, b) -> Double.compare(terms[b], terms[a])).limit(3)
        .map(i -> String.format(Locale.ROOT, "%s %.0f %%", Terms.names()[i], 100 * terms[i] / c.step().total()))
        .toList();
    line(text, "  a step of %.1f ms is mostly %s", c.step().total() * 1e3, String.join(", ", top));
    line(text, "  memory: weights %.1f, cache %.1f, work %.1f of %.0f GB per rank", c.memory().weights() / 1e9,
        c.memory().cache() / 1e9, c.memory().work() / 1e9, c.memory().capacity() / 1e9);
    if (c.placement() != null) {
      line(text, "  experts placed: busiest rank %.2f times the mean, busiest part beyond the fast links %.2f times",
          c.placement().worstRank(), c.placement().worstLink());
    }
    double joules = Money.joules(q.device(), q.count(), c);
    if (!Double.isNaN(joules)) {
      line(text, "  energy: %.2f J per token of answers", joules);
    }
    line(text, "  price: %s (%s)", set.money().price(q.device()).isPresent()
        ? set.money().price(q.device()).getAsDouble() + " $/h" : "none", set.money().source(q.device()));
    for (Evidence.Measured m : c.nearest()) {
      line(text, "  measured nearby: %s, where the cost model was %+.0f %% off in time", m.id(),
          100 * (Math.exp(-m.residual()) - 1));
    }
  }

  @SuppressWarnings("AnnotateFormatMethod") // formats are constants above
  private static void line(StringBuilder text, String format, Object... args) {
    text.append(String.format(Locale.ROOT, format, args)).append('\n');
  }
}
