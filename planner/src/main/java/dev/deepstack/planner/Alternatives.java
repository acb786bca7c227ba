package dev.deepstack.planner;

import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.planner.serve.Serving;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/// What to say where there is no plan.
final class Alternatives {
  private static final int COUNT_MAX = 4096;

  private Alternatives() {}

  /// The model does not fit: how many devices it takes.
  static String nearest(PlanRequest q, Precision precision, Device rank) {
    String what = String.format(Locale.ROOT, "%s (%.0f GB in %s) does not fit %d x %s (%.0f GB)", q.model().name(),
        bytes(q, precision, rank) / 1e9, precision.text(), q.count(), q.device().id(),
        q.count() * q.device().memory() / 1e9);
    for (int count = q.count() + 1; count <= COUNT_MAX; count++) {
      int ranks = count * q.device().ranks();
      if (fits(q, precision, rank, ranks)) {
        return what + "; the nearest plan takes " + count + " devices";
      }
    }
    return what + "; no number of these devices up to " + COUNT_MAX + " holds it with prompts of " + q.input()
        + " tokens: take a device with more memory or a smaller precision";
  }

  private static boolean fits(PlanRequest q, Precision precision, Device rank, int ranks) {
    for (Layout layout : Layouts.legal(q.model(), ranks, rank)) {
      if (layout.ranks() == ranks) {
        var m = new StepModel(q.model(), rank, layout, precision, Conditions.SERVED, Constants.prior());
        if (m.batchMax(q.input() + q.output(), Serving.CHUNK) >= 1) {
          return true;
        }
      }
    }
    return false;
  }

  private static double bytes(PlanRequest q, Precision precision, Device rank) {
    return new StepModel(q.model(), rank, Layout.ONE, precision, Conditions.SERVED, Constants.prior()).weightBytes();
  }

  /// Nothing is fast enough: what comes nearest.
  static String slow(List<Plan.Choice> front, Slo slo) {
    Plan.Choice near = front.stream().min(Comparator.comparingDouble(
        c -> Math.max(c.tpot().value() / slo.tpot(), c.ttft().value() / slo.ttft()))).orElseThrow();
    return String.format(Locale.ROOT, "no configuration meets the targets; the nearest is %s with TPOT %.1f ms and "
        + "TTFT %.2f s", near.words(), near.tpot().value() * 1e3, near.ttft().value());
  }
}
