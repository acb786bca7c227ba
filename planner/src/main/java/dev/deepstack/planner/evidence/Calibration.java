package dev.deepstack.planner.evidence;

import dev.deepstack.planner.Resources;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.tensor.MalformedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/// What `deepstack plan calibrate` finds: constants, the evidence beside them, and how wide intervals must be.
///
/// @param quantiles by kind of number, the multiple of the spread that holds four of five residuals
/// @param leftOut constants without a point, for points that must never be judged by themselves
/// @param sources by constant, the points that say most about it
public record Calibration(Constants constants, Evidence evidence, Map<String, Double> quantiles,
    Map<String, Constants> leftOut, Map<String, List<String>> sources) {
  private static final int DIGITS = 1_000_000;

  /// The calibration that comes with the planner.
  public static Calibration standard() {
    return read(Resources.json("calibration.json"));
  }

  /// Reads a calibration.
  public static Calibration read(JsonNode file) {
    if (!file.path("shared").isObject() || !file.path("evidence").isArray()) {
      throw new MalformedModelException("this is not a calibration: it has no \"shared\" or no \"evidence\"");
    }
    var quantiles = new TreeMap<String, Double>();
    file.path("quantiles").properties().forEach(e -> quantiles.put(e.getKey(), e.getValue().doubleValue()));
    var leftOut = new LinkedHashMap<String, Constants>();
    file.path("left_out").properties().forEach(e -> leftOut.put(e.getKey(), constants(e.getValue())));
    var sources = new LinkedHashMap<String, List<String>>();
    for (Map.Entry<String, JsonNode> e : file.path("sources").properties()) {
      var list = new ArrayList<String>();
      e.getValue().forEach(s -> list.add(s.asString("")));
      sources.put(e.getKey(), List.copyOf(list));
    }
    var measured = new ArrayList<Evidence.Measured>();
    for (JsonNode m : file.path("evidence")) {
      JsonNode p = m.path("place");
      measured.add(new Evidence.Measured(m.path("id").asString(""), m.path("family").asString(""),
          new Evidence.Place(text(p, "kind"), text(p, "model"), text(p, "attention"), text(p, "device"),
              text(p, "vendor"), text(p, "stack"), text(p, "precision"), text(p, "phase"),
              p.path("batch").doubleValue(), p.path("context").doubleValue(), p.path("layout").doubleValue(),
              p.path("drafts").doubleValue()), m.path("residual").doubleValue(), m.path("trust").doubleValue()));
    }
    return new Calibration(constants(file), new Evidence(measured), quantiles, leftOut, sources);
  }

  private static String text(JsonNode p, String key) {
    return p.path(key).asString("");
  }

  private static Constants constants(JsonNode node) {
    double[] shared = new double[Constants.Shared.all().size()];
    for (Constants.Shared s : Constants.Shared.all()) {
      shared[s.index()] = node.path("shared").path(s.name()).asDouble(s.start());
    }
    var devices = new LinkedHashMap<String, double[]>();
    for (Map.Entry<String, JsonNode> e : node.path("devices").properties()) {
      devices.put(e.getKey(), new double[] {e.getValue().path("launch").asDouble(1),
          e.getValue().path("compute").asDouble(1)});
    }
    return new Constants(shared, devices);
  }

  /// The same as JSON, the form that `read` takes.
  public JsonNode json() {
    JsonMapper mapper = JsonMapper.shared();
    ObjectNode root = mapper.createObjectNode();
    root.put("schema", 1);
    root.put("comment", "Written by `deepstack plan calibrate` from the published points; do not edit.");
    write(root, constants);
    ObjectNode q = root.putObject("quantiles");
    quantiles.forEach((k, v) -> q.put(k, round(v)));
    ObjectNode out = root.putObject("left_out");
    leftOut.forEach((id, c) -> write(out.putObject(id), c));
    ObjectNode from = root.putObject("sources");
    sources.forEach((k, v) -> v.forEach(from.putArray(k)::add));
    ArrayNode list = root.putArray("evidence");
    for (Evidence.Measured m : evidence.measured()) {
      ObjectNode node = list.addObject();
      node.put("id", m.id()).put("family", m.family()).put("residual", round(m.residual())).put("trust", m.trust());
      Evidence.Place p = m.place();
      node.putObject("place").put("kind", p.kind()).put("model", p.model()).put("attention", p.attention())
          .put("device", p.device()).put("vendor", p.vendor()).put("stack", p.stack())
          .put("precision", p.precision()).put("phase", p.phase()).put("batch", round(p.batch()))
          .put("context", round(p.context())).put("layout", p.layout()).put("drafts", p.drafts());
    }
    return root;
  }

  private static void write(ObjectNode node, Constants c) {
    ObjectNode shared = node.putObject("shared");
    for (Constants.Shared s : Constants.Shared.all()) {
      shared.put(s.name(), significant(c.get(s)));
    }
    ObjectNode devices = node.putObject("devices");
    c.device().forEach((id, v) -> devices.putObject(id).put("launch", round(v[0])).put("compute", round(v[1])));
  }

  private static double round(double v) {
    return (double) Math.round(v * DIGITS) / DIGITS;
  }

  private static double significant(double v) {
    double scale = Math.pow(10, 6 - Math.ceil(Math.log10(Math.abs(v))));
    return Math.round(v * scale) / scale;
  }
}
