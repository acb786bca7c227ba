package dev.deepstack.planner.report;

import dev.deepstack.planner.Plan;
import dev.deepstack.planner.PlanRequest;
import dev.deepstack.planner.Planner;
import dev.deepstack.planner.cost.Terms;
import dev.deepstack.planner.evidence.Evidence;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/// Plans as an object for JSON; the numbers are those of the text.
public final class JsonReport {
  private JsonReport() {}

  /// The whole comparison. Times in seconds, rates per second of the whole system.
  public static Map<String, Object> of(PlanSet set) {
    var map = new LinkedHashMap<String, Object>();
    PlanRequest q = set.plans().getFirst().request();
    map.put("model", q.model().name());
    map.put("isl", q.input());
    map.put("osl", q.output());
    map.put("verdict", set.verdict());
    map.put("price_basis", set.money().basis());
    map.put("command", set.command());
    var plans = new ArrayList<Object>();
    for (Plan p : set.plans()) {
      plans.add(plan(set, p));
    }
    map.put("plans", plans);
    return map;
  }

  private static Map<String, Object> plan(PlanSet set, Plan p) {
    PlanRequest q = p.request();
    var map = new LinkedHashMap<String, Object>();
    map.put("device", q.device().id());
    map.put("device_name", q.device().name());
    map.put("count", q.count());
    map.put("configurations_tried", p.tried());
    if (p.refusal() != null) {
      map.put("refusal", p.refusal());
    }
    OptionalDouble price = set.money().price(q.device());
    map.put("price_usd_per_hour", price.isPresent() ? price.getAsDouble() : "none");
    map.put("price_source", set.money().source(q.device()));
    if (p.best() != null) {
      map.put("best", choice(set, q, p.best()));
    }
    map.put("front", Planner.shown(p.front(), p.best()).stream().map(c -> choice(set, q, c)).toList());
    return map;
  }

  private static Map<String, Object> choice(PlanSet set, PlanRequest q, Plan.Choice c) {
    var map = new LinkedHashMap<String, Object>();
    map.put("configuration", c.words());
    map.put("tp", c.layout().tp());
    map.put("attn_dp", c.layout().dp());
    map.put("moe_tp", c.layout().moeTp());
    map.put("moe_ep", c.layout().ep());
    map.put("pp", c.layout().pp());
    map.put("instances", c.instances());
    map.put("prefill_instances", c.prefills());
    map.put("draft_tokens", c.drafts());
    map.put("two_micro_batches", c.overlap());
    map.put("precision", c.precision().text());
    map.put("batch", c.batch());
    map.put("tpot_s", band(c.tpot()));
    map.put("ttft_s", band(c.ttft()));
    map.put("ttft_p99_s", c.ttftLate());
    map.put("out_tok_s", band(c.output()));
    map.put("out_tok_s_per_device", c.output().value() / q.count());
    map.put("in_tok_s", c.prompts());
    map.put("meets_targets", c.meets());
    map.put("step_s", terms(c.step()));
    map.put("prompt_s", terms(c.promptStep()));
    map.put("memory_bytes", memory(c.memory()));
    OptionalDouble price = set.money().price(q.device());
    if (price.isPresent()) {
      map.put("usd_per_million_out", Money.perMillion(price.getAsDouble(), q.count(), c.output().value()));
    }
    double joules = Money.joules(q.device(), q.count(), c);
    if (!Double.isNaN(joules)) {
      map.put("joules_per_out_token", joules);
    }
    if (c.placement() != null) {
      map.put("expert_placement", Map.of("ranks", c.placement().ranks(), "worst_rank", c.placement().worstRank(),
          "worst_link", c.placement().worstLink()));
    }
    map.put("nearest", c.nearest().stream().map(JsonReport::measured).toList());
    return map;
  }

  private static Map<String, Object> measured(Evidence.Measured m) {
    var map = new LinkedHashMap<String, Object>();
    map.put("id", m.id());
    map.put("model_error", Math.exp(-m.residual()) - 1);
    return map;
  }

  private static Map<String, Double> memory(Plan.Memory m) {
    var map = new LinkedHashMap<String, Double>();
    map.put("weights", m.weights());
    map.put("cache", m.cache());
    map.put("work", m.work());
    map.put("capacity", m.capacity());
    return map;
  }

  private static List<Double> band(Plan.Band b) {
    return List.of(b.value(), b.low(), b.high());
  }

  private static Map<String, Double> terms(Terms t) {
    var map = new LinkedHashMap<String, Double>();
    for (int i = 0; i < Terms.names().length; i++) {
      map.put(Terms.names()[i], t.values()[i]);
    }
    return map;
  }
}
