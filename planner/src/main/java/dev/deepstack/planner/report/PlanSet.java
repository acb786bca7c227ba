package dev.deepstack.planner.report;

import dev.deepstack.planner.Plan;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// Plans that are compared.
///
/// @param command what makes them again
public record PlanSet(List<Plan> plans, Money money, String command) {
  /// Copies the list.
  public PlanSet {
    plans = List.copyOf(plans);
  }

  /// The plan whose devices each give most within the targets.
  public Optional<Plan> winner() {
    Plan best = null;
    for (Plan p : plans) {
      if (p.best() != null && (best == null || perDevice(p) > perDevice(best))) {
        best = p;
      }
    }
    return Optional.ofNullable(best);
  }

  /// Tokens of answers per second and device of a plan's best configuration, or 0.
  public static double perDevice(Plan p) {
    Plan.Choice best = p.best();
    return best == null ? 0 : best.output().value() / p.request().count();
  }

  /// One sentence on who wins, and by how much.
  public String verdict() {
    Optional<Plan> first = winner();
    if (first.isEmpty()) {
      return "No plan meets the targets.";
    }
    Plan w = first.get();
    String text = String.format(Locale.ROOT, "%d x %s gives most per device: %.0f tokens/s each", w.request().count(),
        w.request().device().id(), perDevice(w));
    Plan second = null;
    for (Plan p : plans) {
      if (p.best() != null && !p.request().device().id().equals(w.request().device().id())
          && (second == null || perDevice(p) > perDevice(second))) {
        second = p;
      }
    }
    if (second == null) {
      return text + ".";
    }
    double ratio = perDevice(w) / perDevice(second);
    return text + String.format(Locale.ROOT, ", %.2f times %d x %s. %s", ratio, second.request().count(),
        second.request().device().id(), change(w, second, ratio));
  }

  /// What would turn the order around.
  private static String change(Plan w, Plan second, double ratio) {
    Plan.Choice a = w.best();
    Plan.Choice b = second.best();
    if (a == null || b == null) {
      return "";
    }
    boolean overlap = a.output().low() / w.request().count() < b.output().high() / second.request().count();
    double[] terms = b.step().values();
    int worst = 0;
    for (int i = 1; i < terms.length; i++) {
      worst = terms[i] > terms[worst] ? i : worst;
    }
    double share = terms[worst] / b.step().total();
    String name = dev.deepstack.planner.cost.Terms.names()[worst];
    return (overlap ? "Their intervals overlap, so the order is not certain. " : "Their intervals do not overlap. ")
        + (share > 1 - 1 / ratio
        ? String.format(Locale.ROOT, "Cutting %s (%.0f %% of the slower one's step) by a factor of %.1f would make "
            + "them equal.", name, 100 * share, share / (share - 1 + 1 / ratio))
        : String.format(Locale.ROOT, "No single cause makes up the difference; %s has most of the slower one's step "
            + "(%.0f %%).", name, 100 * share));
  }
}
