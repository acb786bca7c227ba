package dev.deepstack.planner.evidence;

import dev.deepstack.planner.Resources;
import dev.deepstack.tensor.MalformedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/// Reads files of published points.
public final class PointReader {
  private PointReader() {}

  /// The points that come with the planner.
  public static List<Point> standard() {
    var points = new ArrayList<Point>();
    for (String name : List.of("published-inference.json", "published-training.json")) {
      points.addAll(read(Resources.json(name), name));
    }
    return points;
  }

  /// The points of a file.
  ///
  /// @throws MalformedModelException naming the point and the field
  public static List<Point> read(JsonNode file, String name) {
    JsonNode list = file.path("points");
    if (!list.isArray()) {
      throw new MalformedModelException(name + " has no array \"points\"");
    }
    var points = new ArrayList<Point>();
    for (JsonNode p : list) {
      points.add(point(p, name + ", point " + (points.size() + 1)));
    }
    return points;
  }

  private static Point point(JsonNode p, String where) {
    if (!p.isObject() || !p.path("id").isString()) {
      throw new MalformedModelException(where + " has no id");
    }
    String id = p.path("id").asString("");
    boolean training = p.has("stage");
    var metrics = new TreeMap<String, Double>();
    for (Map.Entry<String, JsonNode> m : p.path("metrics").properties()) {
      double v = m.getValue().isNumber() ? m.getValue().doubleValue() : Double.NaN;
      if (!(v > 0)) {
        throw new MalformedModelException("the metric " + m.getKey() + " of " + id + " is not a positive number");
      }
      metrics.put(m.getKey(), v);
    }
    var score = new ArrayList<String>();
    for (JsonNode s : p.path("score")) {
      if (!metrics.containsKey(s.asString(""))) {
        throw new MalformedModelException(id + " scores " + s + ", which is not among its metrics");
      }
      score.add(s.asString(""));
    }
    JsonNode mtp = p.path("mtp");
    return new Point(id, text(p, "family", id), text(p, "model", ""), text(p, "device", ""),
        number(p, "device_count", id), training ? "training" : text(p, "phase", "decode"), p.path("parallelism"),
        text(p, "precision", "BF16"), text(p, "framework", ""), number(p, "isl", id), number(p, "osl", id),
        number(p, "kv_len", id), number(p, "concurrency", id), number(p, "batch_per_device", id),
        number(mtp, "draft_tokens", id), number(mtp, "extra_accepted_per_step", id), metrics, score,
        text(p, "conditions", ""), text(p, "kind", "measured"), text(p, "confidence", "medium"),
        training ? p : null);
  }

  private static String text(JsonNode p, String key, String otherwise) {
    JsonNode n = p.path(key);
    return n.isString() ? n.asString() : otherwise;
  }

  private static double number(JsonNode p, String key, String id) {
    JsonNode n = p.path(key);
    if (n.isMissingNode() || n.isNull()) {
      return Double.NaN;
    }
    if (!n.isNumber() || !(n.doubleValue() >= 0) || n.doubleValue() > 1e12) {
      throw new MalformedModelException(key + " of " + id + " is " + n + ", which is not a sensible number");
    }
    return n.doubleValue();
  }
}
