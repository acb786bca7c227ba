package dev.deepstack.planner.train;

import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.evidence.Point;
import dev.deepstack.planner.model.ModelShape;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.MissingNode;

/// What the cost model says to a published training run.
public final class TrainingPredictor {
  private static final Pattern NEMO = Pattern.compile("NeMo (\\d\\d)\\.(\\d\\d)");
  private static final int NEWEST = 26 * 12 + 8;
  private static final double USUAL_AGE = 3;

  private TrainingPredictor() {}

  /// Values by metric.
  public static Map<String, Double> predict(Point p, ModelShape model, Device device, Constants c) {
    JsonNode t = p.training() == null ? MissingNode.getInstance() : p.training();
    double length = t.path("seq_len").asDouble(4096);
    double devices = Double.isNaN(p.count()) ? 256 : p.count();
    TrainingModel.Setup s = setup(p, t, model, device, devices, length);
    double perDevice = 1 / TrainingModel.price(model, device, s, c).total();
    double flops = TrainingModel.modelFlops(model, length);
    var map = new TreeMap<String, Double>();
    map.put("tok_s_per_device", perDevice);
    map.put("tok_s_total", perDevice * devices);
    map.put("tokens_per_day", perDevice * devices * 86_400);
    map.put("model_tflops_per_device", perDevice * flops / 1e12);
    map.put("tflops_per_device", perDevice * flops / 1e12);
    map.put("mfu", perDevice * flops / device.peak("bf16"));
    map.put("mfu_causal", perDevice * flops / device.peak("bf16"));
    double attention = flops - 6 * model.activeWeights();
    map.put("mfu_non_causal", perDevice * (flops + attention) / device.peak("bf16"));
    map.put("device_hours_total", p.metric("tokens_total") / (perDevice * 3600));
    map.put("step_s", s.batch() * length / (perDevice * devices));
    return map;
  }

  private static TrainingModel.Setup setup(Point p, JsonNode t, ModelShape model, Device device, double devices,
      double length) {
    JsonNode par = p.parallelism();
    boolean routed = model.layers().stream().anyMatch(l -> l.feed().routed());
    boolean stated = par.has("pp") || par.has("tp");
    int ep = (int) Math.max(1, par.path("ep").asDouble(routed && !stated ? 32 : 1));
    int pp = (int) Math.max(1, par.path("pp").asDouble(stated ? 1 : 8));
    int tp = (int) Math.max(1, par.path("tp").asDouble(1));
    String precision = p.precision().toLowerCase(Locale.ROOT);
    String math = precision.contains("fp4") && device.has("fp4") ? "fp4" : precision.contains("fp8") ? "fp8" : "bf16";
    Matcher m = NEMO.matcher(p.framework());
    double age = m.find() ? NEWEST - (Integer.parseInt(m.group(1)) * 12 + Integer.parseInt(m.group(2)))
        : USUAL_AGE;
    boolean baseline = p.conditions().toLowerCase(Locale.ROOT).contains("baseline");
    return new TrainingModel.Setup(devices, tp, pp, (int) Math.max(1, par.path("vpp").asDouble(par.has("vpp") ? 1 : 4)),
        (int) Math.max(1, par.path("cp").asDouble(1)), ep, length,
        t.path("global_batch_seqs").asDouble(Math.max(2048, 8 * devices / tp)),
        Math.max(1, t.path("micro_batch_seqs").asDouble(1)), math, age, p.framework().contains("HAI-LLM"), baseline);
  }
}
