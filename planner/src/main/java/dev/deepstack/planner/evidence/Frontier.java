package dev.deepstack.planner.evidence;

import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.serve.Load;
import dev.deepstack.planner.serve.Served;
import dev.deepstack.planner.serve.Serving;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// Points whose configuration is "whatever won": the best of the usual layouts within the given time per token.
final class Frontier {
  private static final double BATCH_MAX = 1024;
  /// Share of what a system can do that it does from the first request of a benchmark to the last.
  private static final double REACHED = 0.85;
  /// A search for a batch ends this near.
  private static final double MARGIN = 1.01;

  private Frontier() {}

  static Map<String, Double> predict(Point p, Scenario s, Constants c) {
    double input = Double.isNaN(p.input()) ? 4096 : p.input();
    double output = Double.isNaN(p.output()) ? 1024 : p.output();
    double given = Scenario.given(p);
    double limit = Double.isNaN(given) ? 0.05 : given;
    Load any = new Load(input, output, 1, 0, true);
    boolean open = p.parallelism().path("mode").asString("").contains("frontier");
    // The public frontiers use separate pools and attention by requests on the current generation only, and
    // speculation there and on Nvidia's older ones.
    boolean current = s.rank().has("fp4");
    boolean drafting = current || s.rank().vendor().equals("Nvidia");
    boolean apart = open && current || p.phase().equals("e2e-disagg");
    boolean together = open || p.phase().equals("e2e");
    Rate best = new Rate(0, 0, 0);
    var promising = new ArrayList<Candidate>();
    for (Conditions conditions : open && drafting ? choices(s) : List.of(s.conditions())) {
      for (Layout layout : layouts(s)) {
        if (layout.ranks() > s.ranks() || open && !current && layout.dp() > 1) {
          continue;
        }
        var m = new StepModel(s.model(), s.rank(), layout, s.precision(), conditions, c);
        if (apart) {
          best = best.max(split(m, s, any, limit, c));
        }
        if (together) {
          promising.add(new Candidate(m, most(m, any, limit)));
        }
      }
    }
    // The most promising first: what cannot beat the best so far need not be solved.
    promising.sort(java.util.Comparator.comparingDouble(x -> -x.most()));
    for (Candidate x : promising) {
      if (x.most() >= best.requests()) {
        best = best.max(shared(x.model(), any, limit, c));
      }
    }
    double perDevice = REACHED * best.requests() * s.perDevice();
    if (best.requests() == 0) {
      // Nothing is that fast: one request on the widest layout is the nearest plan.
      int n = (int) Math.min(8, s.ranks());
      var m = new StepModel(s.model(), s.rank(), new Layout(n, 1, n, 1, 1), s.precision(), s.conditions(), c);
      Served one = Serving.shared(m, 1, any, c);
      best = new Rate(one.requests() / n, one.tpot(), one.ttft());
      perDevice = best.requests() * s.perDevice();
    }
    var map = new TreeMap<String, Double>();
    double devices = s.ranks() / s.perDevice();
    map.put("tpot_ms", best.tpot() * 1000);
    map.put("step_ms", best.tpot() * 1000);
    map.put("ttft_ms", best.ttft() * 1000);
    map.put("in_tok_s_per_device", perDevice * input);
    map.put("out_tok_s_per_device", perDevice * output);
    map.put("out_tok_s_total", perDevice * output * devices);
    map.put("total_tok_s_per_device", perDevice * (input + output));
    return map;
  }

  /// Requests per second and rank, and the time per token that goes with them.
  private record Rate(double requests, double tpot, double ttft) {
    Rate max(Rate other) {
      return other.requests > requests ? other : this;
    }
  }

  /// A configuration with more requests per second and rank than it can answer.
  private record Candidate(StepModel model, double most) {}

  private static Rate split(StepModel m, Scenario s, Load any, double limit, Constants c) {
    double cap = Math.min(m.batchMax(any.context(), 0), BATCH_MAX * m.layout().ranks());
    if (cap < 1) {
      return new Rate(0, 0, 0);
    }
    var pre = new StepModel(s.model(), s.rank(), m.layout(), s.precision(), s.conditions().plain(), c);
    double per = m.conditions().tokensPerStep();
    double batch = Predictor.solve(b -> m.decode(b, any.context()).total() / per, limit, cap);
    double tpot = m.decode(batch, any.context()).total() / per;
    if (tpot > limit * 1.005) {
      return new Rate(0, 0, 0);
    }
    // As many instances prefill as keep the others busy.
    double decodes = batch / (any.output() * tpot);
    double prefills = 0.85 / Serving.marginal(pre, any);
    return new Rate(decodes * prefills / (decodes + prefills) / m.layout().ranks(), tpot,
        2 * Serving.prompt(pre, any.input(), 0));
  }

  private static Rate shared(StepModel m, Load any, double limit, Constants c) {
    double cap = Math.min(m.batchMax(any.context(), Serving.CHUNK), BATCH_MAX * m.layout().ranks());
    if (cap < 1) {
      return new Rate(0, 0, 0);
    }
    double batch = Predictor.solve(b -> Serving.shared(m, 1, any.at(b), c).tpot(), limit, cap);
    Served served = Serving.shared(m, 1, any.at(batch), c);
    return served.tpot() > limit * 1.01 ? new Rate(0, 0, 0)
        : new Rate(served.requests() / m.layout().ranks(), served.tpot(), served.ttft());
  }

  /// More requests per second and rank than there can be: if prompts took no time, or answers none.
  private static double most(StepModel m, Load any, double limit) {
    double cap = Math.min(m.batchMax(any.context(), Serving.CHUNK), BATCH_MAX * m.layout().ranks());
    if (cap < 1) {
      return 0;
    }
    double per = m.conditions().tokensPerStep();
    double batch = Predictor.solve(b -> m.decode(b, any.context()).total() / per, limit, cap);
    double answers = MARGIN * batch / (any.output() * m.decode(batch, any.context()).total() / per);
    return Math.min(answers, 1 / Serving.marginal(m, any)) / m.layout().ranks();
  }

  private static List<Conditions> choices(Scenario s) {
    Conditions k = s.conditions();
    if (s.model().draftLayers() == 0 || k.drafts() > 0) {
      return List.of(k);
    }
    return List.of(k, k.drafting(1, 0.7), k.drafting(3, 1.44));
  }

  private static List<Layout> layouts(Scenario s) {
    var list = new ArrayList<Layout>();
    for (int n : new int[] {1, 2, 4, 8, 16, 32}) {
      if (n > s.ranks() || n > s.rank().scaleUp() && n > 16) {
        continue;
      }
      list.add(new Layout(n, 1, n, 1, 1));
      if (n > 1) {
        list.add(new Layout(1, n, 1, n, 1));
      }
    }
    return list;
  }
}
