package dev.deepstack.planner.evidence;

import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.serve.Load;
import dev.deepstack.planner.serve.Served;
import dev.deepstack.planner.serve.Serving;
import dev.deepstack.planner.train.TrainingPredictor;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.DoubleUnaryOperator;
import tools.jackson.databind.JsonNode;

/// What the cost model says to a point, before any evidence corrects it.
public final class Predictor {
  private static final double CONTEXT = 4096;
  private static final double BATCH_MAX = 4096;
  private static final double NEAR = 1e-4;
  private static final int ROUNDS_MAX = 30;

  private final Catalog models;
  private final DeviceCatalog devices;

  /// @param models who may be named
  /// @param devices what may be named
  public Predictor(Catalog models, DeviceCatalog devices) {
    this.models = models;
    this.devices = devices;
  }

  /// Why a point cannot be predicted.
  ///
  /// @param unknownModel whether its model is described nowhere, which is reported apart
  public record Refusal(String reason, boolean unknownModel) {}

  /// Why this point cannot be predicted, if so.
  public Optional<Refusal> refusal(Point p) {
    if (models.find(p.model()).isEmpty()) {
      return Optional.of(new Refusal("the model " + p.model() + " is described neither here nor in the scored file",
          true));
    }
    if (!devices.has(p.device())) {
      return Optional.of(new Refusal("the device " + p.device() + " is not described", false));
    }
    return Optional.empty();
  }

  /// Values by metric, in the units of the metric's name.
  public Map<String, Double> predict(Point p, Constants c) {
    ModelShape model = models.get(p.model());
    Device device = devices.get(p.device());
    if (p.isTraining()) {
      return TrainingPredictor.predict(p, model, device, c);
    }
    Scenario s = Scenario.of(p, model, device);
    return switch (p.phase()) {
      case "prefill" -> prefill(p, s, c);
      case "e2e" -> p.parallelism().path("mode").asString("").contains("frontier")
          ? Frontier.predict(p, s, c) : shared(p, s, c);
      case "e2e-disagg" -> split(p, s, c);
      default -> p.score().contains("ttft_ms") ? single(p, s, c) : decode(p, s, c);
    };
  }

  private static StepModel step(Scenario s, Layout layout, Constants c, Conditions conditions) {
    return new StepModel(s.model(), s.rank(), layout, s.precision(), conditions, c);
  }

  /// The same with a cache of eight bits where sixteen cannot hold what was in flight.
  private static StepModel fitting(StepModel m, double batch, double context, Constants c) {
    if (m.batchMax(context, Serving.CHUNK) >= batch || m.precision().cacheBytes() < 2) {
      return m;
    }
    return new StepModel(m.model(), m.device(), m.layout(), m.precision().withCache(1), m.conditions(), c);
  }

  private static double context(Point p) {
    if (!Double.isNaN(p.context())) {
      return p.context();
    }
    if (!Double.isNaN(p.input())) {
      return p.input() + (Double.isNaN(p.output()) ? 0 : p.output() / 2);
    }
    return p.phase().startsWith("e2e") && p.concurrency() == 1 ? 1024 : CONTEXT;
  }

  private static Map<String, Double> decode(Point p, Scenario s, Constants c) {
    StepModel m = step(s, s.layout(p.parallelism(), s.ranks(), p.phase()), c, s.conditions());
    double context = context(p);
    double batch = batch(p, s);
    if (Double.isNaN(batch)) {
      double limit = Scenario.given(p);
      double cap = Math.max(1, Math.min(m.batchMax(context * 1.1, 0), BATCH_MAX * s.ranks()));
      batch = solve(b -> m.decode(b, context).total() / s.conditions().tokensPerStep(),
          Double.isNaN(limit) ? 0.05 : limit, cap);
    }
    double time = m.decode(batch, context).total();
    double tpot = time / s.conditions().tokensPerStep();
    return rates(s, tpot, time, batch / tpot);
  }

  private static Map<String, Double> rates(Scenario s, double tpot, double step, double out) {
    var map = new TreeMap<String, Double>();
    map.put("tpot_ms", tpot * 1000);
    map.put("step_ms", step * 1000);
    map.put("out_tok_s_total", out);
    map.put("out_tok_s_per_device", out / (s.ranks() / s.perDevice()));
    map.put("itl_ms", step * 1000);
    return map;
  }

  private static double batch(Point p, Scenario s) {
    if (!Double.isNaN(p.concurrency())) {
      return p.concurrency();
    }
    return p.batchPerDevice() * s.ranks() / s.perDevice();
  }

  /// The batch at which the time reaches `limit`, or the least or the most where it never does.
  static double solve(DoubleUnaryOperator time, double limit, double cap) {
    double low = Math.log(Math.min(1, cap));
    double high = Math.log(cap);
    double above = Math.log(time.applyAsDouble(cap) / limit);
    if (above <= 0) {
      return cap;
    }
    double below = Math.log(time.applyAsDouble(Math.exp(low)) / limit);
    if (below >= 0) {
      return Math.exp(low);
    }
    // False position in logarithms; an end that stays twice counts half (Illinois).
    double found = low;
    int side = 0;
    for (int i = 0; i < ROUNDS_MAX; i++) {
      found = (low * above - high * below) / (above - below);
      double value = Math.log(time.applyAsDouble(Math.exp(found)) / limit);
      if (Math.abs(value) < NEAR || high - low < NEAR) {
        break;
      }
      if (value > 0) {
        high = found;
        above = value;
        below = side > 0 ? below / 2 : below;
        side = 1;
      } else {
        low = found;
        below = value;
        above = side < 0 ? above / 2 : above;
        side = -1;
      }
    }
    return Math.exp(found);
  }

  private static Map<String, Double> prefill(Point p, Scenario s, Constants c) {
    Layout layout = s.layout(p.parallelism(), s.ranks(), p.phase());
    double length = Double.isNaN(p.input()) ? CONTEXT : p.input();
    StepModel m = step(s, layout, c, s.conditions());
    var map = new TreeMap<String, Double>();
    if (p.concurrency() == 1 || layout.pp() > 1) {
      double time = Serving.prompt(m, length, 0);
      map.put("ttft_ms", 1000 * (time + c.first()));
      map.put("prefill_ms", 1000 * time);
      map.put("in_tok_s_total", length / time);
      map.put("in_tok_s_per_device", length / time * s.perDevice() / s.ranks());
      return map;
    }
    double groups = layout.dp();
    double tokens = !Double.isNaN(p.concurrency()) ? p.concurrency() * length / groups
        : !Double.isNaN(p.batchPerDevice()) ? p.batchPerDevice() * length / s.perDevice() * layout.tp()
        : Math.max(layout.tp() > 1 ? Serving.CHUNK : 2 * Serving.CHUNK, length);
    double chunk = Math.min(tokens, Math.max(2 * Serving.CHUNK, length));
    double time = m.prefill(chunk, Math.min(length, chunk), 0).total() * tokens / chunk;
    double rate = tokens * groups / time;
    map.put("batch_latency_ms", time * 1000);
    map.put("prefill_ms", time * 1000);
    map.put("ttft_ms", 1000 * (time + c.first()));
    map.put("in_tok_s_total", rate);
    map.put("in_tok_s_per_device", rate * s.perDevice() / s.ranks());
    return map;
  }

  /// One prompt on an idle system.
  private static Map<String, Double> single(Point p, Scenario s, Constants c) {
    StepModel m = step(s, s.layout(p.parallelism(), s.ranks(), p.phase()), c, s.conditions());
    double time = Serving.prompt(m, Double.isNaN(p.input()) ? CONTEXT : p.input(), 0);
    double more = s.conditions().served() ? c.first() : 0;
    var map = new TreeMap<>(decode(p, s, c));
    map.put("ttft_ms", 1000 * (time + more));
    map.put("prefill_ms", 1000 * time);
    return map;
  }

  private static Load load(Point p, Scenario s) {
    // MLPerf asks dense models for long prompts with short answers, and those that reason for the reverse.
    boolean mlperf = p.kind().equals("mlperf");
    boolean dense = s.model().layers().stream().noneMatch(l -> l.feed().routed());
    double usual = mlperf && dense ? 9400 : 1024;
    double input = Double.isNaN(p.input()) ? Double.isNaN(p.context()) ? usual : p.context() : p.input();
    double output = !Double.isNaN(p.output()) ? p.output() : !mlperf ? 512 : dense ? 680 : 3900;
    if (!Double.isNaN(p.context())) {
      input = Math.max(input, p.context());
    }
    return new Load(input, output, batch(p, s), 0, true);
  }

  private static Map<String, Double> shared(Point p, Scenario s, Constants c) {
    JsonNode par = p.parallelism();
    double instances = 1;
    double ranks = s.ranks();
    boolean dense = s.model().layers().stream().noneMatch(l -> l.feed().routed());
    if (p.kind().equals("mlperf")) {
      ranks = Math.min(s.ranks(), dense ? 8 : 32);
      instances = s.ranks() / ranks;
    }
    Load load = load(p, s);
    StepModel m = fitting(step(s, s.layout(par, ranks, p.phase()), c, s.conditions()),
        Double.isNaN(load.concurrency()) ? 1 : load.concurrency() / instances, load.context(), c);
    if (Double.isNaN(load.concurrency())) {
      double given = Scenario.given(p);
      double limit = !Double.isNaN(given) ? given
          : par.path("scenario").asString("").equals("offline") ? 0.25
          : !p.kind().equals("mlperf") ? 0.05 : dense ? 0.175 : 0.08;
      double cap = Math.max(1, m.batchMax(load.input() + load.output(), Serving.CHUNK)) * instances;
      double count = instances;
      Load any = load;
      load = load.at(solve(b -> Serving.shared(m, count, any.at(b), c).tpot(), limit,
          Math.min(cap, BATCH_MAX * s.ranks())));
    }
    if (!s.conditions().served() && load.concurrency() <= instances * m.layout().dp()) {
      double tpot = m.decode(load.concurrency(), load.context()).total() / s.conditions().tokensPerStep();
      var map = rates(s, tpot, tpot * s.conditions().tokensPerStep(), load.concurrency() / tpot);
      double prompt = Serving.prompt(m, load.input(), 0);
      map.put("prefill_ms", prompt * 1000);
      map.put("ttft_ms", prompt * 1000);
      return map;
    }
    return system(p, s, Serving.shared(m, instances, load, c), load);
  }

  static Map<String, Double> system(Point p, Scenario s, Served served, Load load) {
    double devices = s.ranks() / s.perDevice();
    double out = served.requests() * load.output();
    if (load.concurrency() == 1 && p.score().contains("in_tok_s_total")) {
      // Single streams publish the rates of the two phases.
      out = 1 / served.tpot();
    }
    var map = rates(s, served.tpot(), served.step().total(), out);
    map.put("ttft_ms", served.ttft() * 1000);
    map.put("prefill_ms", served.prefill() * 1000);
    map.put("in_tok_s_total", load.computed() / served.prefill());
    map.put("in_tok_s_per_device", served.requests() * load.computed() / devices);
    map.put("total_tok_s_per_device", served.requests() * (load.input() + load.output()) / devices);
    return map;
  }

  private static Map<String, Double> split(Point p, Scenario s, Constants c) {
    JsonNode par = p.parallelism();
    Load load = load(p, s);
    if (!par.has("prefill")) {
      return Frontier.predict(p, s, c);
    }
    JsonNode pre = par.path("prefill");
    JsonNode dec = par.path("decode");
    double prefills = Math.max(1, pre.path("instances").asDouble(1));
    double decodes = Math.max(1, dec.path("instances").asDouble(1));
    Layout a = s.layout(pre, ranks(pre), "prefill");
    Layout b = s.layout(dec, ranks(dec), "decode");
    Conditions plain = s.conditions().plain();
    StepModel m = step(s, a, c, plain);
    StepModel d = fitting(step(s, b, c, s.conditions()),
        Double.isNaN(load.concurrency()) ? 1 : load.concurrency() / decodes, load.context(), c);
    if (Double.isNaN(load.concurrency())) {
      double given = Scenario.given(p);
      double cap = Math.max(1, d.batchMax(load.input() + load.output(), 0)) * decodes;
      double batch = solve(x -> d.decode(x / decodes, load.context()).total() / s.conditions().tokensPerStep(),
          Double.isNaN(given) ? 0.05 : given, cap);
      Load full = load.at(batch + batch * 0.2);
      return system(p, s, Serving.split(m, prefills, d, decodes, full, c), full);
    }
    return system(p, s, Serving.split(m, prefills, d, decodes, load, c), load);
  }

  private static double ranks(JsonNode par) {
    double tp = Math.max(1, par.path("tp").asDouble(1));
    double dp = Math.max(1, Math.max(par.path("attn_dp").asDouble(1), par.path("dp").asDouble(1)));
    return Math.max(tp * dp, Math.max(1, par.path("moe_ep").asDouble(1)));
  }
}
