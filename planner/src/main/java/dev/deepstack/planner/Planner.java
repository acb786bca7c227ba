package dev.deepstack.planner;

import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.Placement;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.evidence.Evidence;
import dev.deepstack.planner.evidence.Places;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.planner.serve.Load;
import dev.deepstack.planner.serve.Queues;
import dev.deepstack.planner.serve.Served;
import dev.deepstack.planner.serve.Serving;
import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Searches all legal ways to spread a model over devices. The same question always gets the same answer.
public final class Planner {
  private static final int FRONT_MAX = 10;
  private static final double BATCH_PER_RANK_MAX = 1024;

  private final Calibration calibration;

  /// @param calibration constants and evidence
  public Planner(Calibration calibration) {
    this.calibration = calibration;
  }

  /// With the calibration that is shipped.
  public static Planner standard() {
    return new Planner(Calibration.standard());
  }

  /// A way to spread and run the model, and what it does by the cost model alone.
  private record Candidate(Layout layout, double instances, double prefills, Conditions conditions,
      @Nullable Placement placement, StepModel decode, StepModel prefill, Load load, Served served) {
    double perToken() {
      return served.tpot();
    }

    double output() {
      return served.requests() * load.output();
    }
  }

  /// The answer to a question.
  public Plan plan(PlanRequest q) {
    Precision precision = q.precision() != null ? q.precision() : Precisions.suited(q.model(), q.device());
    Precisions.check(q.device(), precision);
    Device rank = rank(q);
    int ranks = q.count() * q.device().ranks();
    var candidates = new ArrayList<Candidate>();
    for (Layout layout : Layouts.legal(q.model(), ranks, rank)) {
      for (Conditions conditions : conditions(q, layout)) {
        candidates.addAll(run(q, precision, rank, ranks, layout, conditions));
      }
    }
    if (candidates.isEmpty()) {
      return new Plan(q, null, List.of(), Alternatives.nearest(q, precision, rank), 0);
    }
    // Those that meet the targets by the cost model come first; evidence has the last word on a few.
    List<Candidate> within = candidates.stream().filter(c -> c.served().ttft() <= q.slo().ttft() * 1.5).toList();
    List<Candidate> front = front(within.isEmpty() ? candidates : within);
    var choices = front.stream().map(c -> choice(q, precision, c)).toList();
    Plan.Choice best = choices.stream().filter(Plan.Choice::meets)
        .max(Comparator.comparingDouble(c -> c.output().value())).orElse(null);
    String refusal = best != null ? null : Alternatives.slow(choices, q.slo());
    return new Plan(q, best, choices, refusal, candidates.size());
  }

  /// What one given configuration does, without a search.
  ///
  /// @param batch requests in flight in the whole system
  public Plan.Choice price(PlanRequest q, Layout layout, double batch) {
    Layouts.check(q.model(), layout);
    Precision precision = q.precision() != null ? q.precision() : Precisions.suited(q.model(), q.device());
    Precisions.check(q.device(), precision);
    int instances = q.count() * q.device().ranks() / layout.ranks();
    if (instances < 1) {
      throw new InvalidInputException(layout + " takes " + layout.ranks() + " ranks, more than " + q.count() + " x "
          + q.device().id() + " have; the nearest plan takes "
          + (layout.ranks() + q.device().ranks() - 1) / q.device().ranks() + " devices");
    }
    Conditions conditions = Conditions.SERVED.drafting(q.drafts(), q.extra(q.drafts()));
    Placement placement = placement(q, rank(q), layout);
    var m = placed(new StepModel(q.model(), rank(q), layout, precision, conditions, calibration.constants()),
        placement);
    if (m.batchMax(q.input() + q.output(), Serving.CHUNK) < 1) {
      throw new InvalidInputException(Alternatives.nearest(q, precision, rank(q)));
    }
    Load load = new Load(q.input(), q.output(), batch, q.hits(), false);
    return choice(q, precision, new Candidate(layout, instances, 0, conditions, placement, m, m, load,
        open(q, m, instances, Serving.shared(m, instances, load, calibration.constants()))));
  }

  private static Device rank(PlanRequest q) {
    Device rank = q.device().rank();
    return q.fabric() == null ? rank : q.fabric().on(rank, q.count() * q.device().ranks());
  }

  private static List<Conditions> conditions(PlanRequest q, Layout layout) {
    var list = new ArrayList<Conditions>();
    int[] drafts = q.model().draftLayers() == 0 || q.drafts() == 0 ? new int[] {0} : new int[] {0, 1, q.drafts()};
    for (int d : drafts) {
      for (boolean overlap : layout.dp() >= 8 ? new boolean[] {false, true} : new boolean[] {false}) {
        var c = new Conditions(true, false, overlap, d, q.extra(d), 0, false, false);
        if (!list.contains(c)) {
          list.add(c);
        }
      }
    }
    return list;
  }

  private List<Candidate> run(PlanRequest q, Precision precision, Device rank, int ranks, Layout layout,
      Conditions conditions) {
    Constants constants = calibration.constants();
    Placement placement = placement(q, rank, layout);
    var m = placed(new StepModel(q.model(), rank, layout, precision, conditions, constants), placement);
    Load any = new Load(q.input(), q.output(), 1, q.hits(), false);
    double cap = Math.min(m.batchMax(q.input() + q.output(), Serving.CHUNK), BATCH_PER_RANK_MAX * layout.ranks());
    if (cap < 1) {
      return List.of();
    }
    int instances = ranks / layout.ranks();
    var list = new ArrayList<Candidate>();
    for (double batch : batches(q, instances, cap)) {
      Load load = any.at(batch * instances);
      list.add(new Candidate(layout, instances, 0, conditions, placement, m, m, load,
          open(q, m, instances, Serving.shared(m, instances, load, constants))));
      for (int prefills : q.split() ? splits(instances) : new int[0]) {
        var p = placed(new StepModel(q.model(), rank, layout, precision, conditions.plain(), constants), placement);
        int decodes = instances - prefills;
        Load all = any.at(Double.isNaN(q.concurrency()) ? batch * decodes * 1.1 : q.concurrency());
        list.add(new Candidate(layout, decodes, prefills, conditions, placement, m, p, all,
            Serving.split(p, prefills, m, decodes, all, constants)));
      }
    }
    return list;
  }

  /// Where experts go whose load is known: to every rank, and to every part beyond the fast links, equal shares.
  private static @Nullable Placement placement(PlanRequest q, Device rank, Layout layout) {
    return q.experts() == null || layout.ep() == 1 ? null : q.experts().placed(layout.ep(), rank.scaleUp());
  }

  private static StepModel placed(StepModel m, @Nullable Placement placement) {
    return placement == null ? m : m.placed(placement);
  }

  /// Requests that come by themselves wait as at a counter.
  private static Served open(PlanRequest q, StepModel m, int instances, Served s) {
    if (Double.isNaN(q.rate())) {
      return s;
    }
    double service = s.prefill() / Math.max(1, m.layout().dp());
    double wait = Queues.wait(q.rate(), service, instances, 1, 1);
    double ttft = s.prefill() + wait + s.step().total() / 2;
    double rate = Math.min(q.rate(), s.requests());
    return new Served(s.tpot(), ttft, ttft + 3.6 * wait, rate, s.step(), s.prefill(), s.running(), s.utilisation());
  }

  private static double[] batches(PlanRequest q, int instances, double cap) {
    if (!Double.isNaN(q.concurrency())) {
      return new double[] {Math.max(1, q.concurrency() / instances)};
    }
    var list = new ArrayList<Double>();
    for (double b = 1; b < cap; b *= 2) {
      list.add(b);
      if (b >= 8) {
        list.add(Math.min(cap, b * 1.5));
      }
    }
    list.add(Math.floor(cap));
    return list.stream().mapToDouble(b -> b).distinct().toArray();
  }

  private static int[] splits(int instances) {
    return java.util.stream.IntStream.of(1, instances / 4, instances / 2, instances * 3 / 4)
        .filter(p -> p > 0 && p < instances).distinct().toArray();
  }

  /// Those that no other beats in time per token and in output.
  private static List<Candidate> front(List<Candidate> all) {
    var sorted = new ArrayList<>(all);
    sorted.sort(Comparator.comparingDouble(Candidate::perToken).thenComparingDouble(c -> -c.output())
        .thenComparing(c -> c.layout().toString()));
    var front = new ArrayList<Candidate>();
    double most = 0;
    for (Candidate c : sorted) {
      if (c.output() > most * 1.005) {
        front.add(c);
        most = c.output();
      }
    }
    return front;
  }

  private Plan.Choice choice(PlanRequest q, Precision precision, Candidate c) {
    Evidence.Belief tpot = belief(q, precision, c, "tpot");
    Evidence.Belief ttft = belief(q, precision, c, "ttft");
    Plan.Band t = band(c.served().tpot(), tpot, "tpot", q, 1);
    Plan.Band first = band(c.served().ttft(), ttft, "ttft", q, 1);
    // A slower token makes fewer of them.
    Plan.Band out = band(c.output(), tpot, "tpot", q, -1);
    StepModel m = c.decode();
    double perRank = c.served().running() / Math.max(1, c.instances()) / c.layout().dp();
    var memory = new Plan.Memory(m.weightBytes(), perRank * m.cacheBytes(q.input() + q.output()),
        m.workBytes(Serving.CHUNK), m.device().memory());
    boolean meets = t.value() <= q.slo().tpot() && first.value() <= q.slo().ttft();
    Evidence.Place place = place(q, precision, c, "tpot");
    double factor = out.value() / Math.max(1e-12, c.output());
    return new Plan.Choice(c.layout(), c.instances(), c.prefills(), c.conditions().drafts(), c.conditions().overlap(),
        precision, c.served().running(), t, first, c.served().ttftLate() * Math.exp(ttft.shift()), out,
        c.served().requests() * q.input() * factor, c.served().step(),
        c.prefill().prefill(Math.min(Serving.CHUNK, q.input()), Math.min(Serving.CHUNK, q.input()), 0), memory,
        calibration.evidence().nearest(place, 3), meets, c.placement());
  }

  private Plan.Band band(double value, Evidence.Belief b, String kind, PlanRequest q, int sign) {
    double unsure = switch (q.model().confidence()) {
      case "low" -> 1.35;
      case "medium" -> 1.1;
      default -> 1;
    };
    double width = b.spread() * calibration.quantiles().getOrDefault(kind, 1.5) * unsure;
    double v = value * Math.exp(sign * b.shift());
    return new Plan.Band(v, v * Math.exp(-width), v * Math.exp(width));
  }

  private Evidence.Belief belief(PlanRequest q, Precision precision, Candidate c, String kind) {
    return calibration.evidence().at(place(q, precision, c, kind));
  }

  private static Evidence.Place place(PlanRequest q, Precision precision, Candidate c, String kind) {
    double devices = (c.instances() + c.prefills()) * c.layout().ranks() / (double) q.device().ranks();
    return new Evidence.Place(kind, q.model().name(), Places.attention(q.model()), q.device().id(),
        q.device().vendor(), q.stack(), Places.width(precision.text()), c.prefills() > 0 ? "e2e-disagg" : "e2e",
        c.served().running() / devices, q.input(), c.layout().dp() > 1 ? 1 : 0, c.conditions().drafts());
  }

  /// The front cut down to what a page shows: the ends and what is spread evenly between them.
  public static List<Plan.Choice> shown(List<Plan.Choice> front, Plan.@Nullable Choice best) {
    if (front.size() <= FRONT_MAX) {
      return front;
    }
    var list = new ArrayList<Plan.Choice>();
    for (int i = 0; i < FRONT_MAX; i++) {
      list.add(front.get(i * (front.size() - 1) / (FRONT_MAX - 1)));
    }
    if (best != null && !list.contains(best)) {
      list.add(best);
    }
    return list;
  }
}
