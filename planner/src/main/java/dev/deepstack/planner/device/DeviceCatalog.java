package dev.deepstack.planner.device;

import dev.deepstack.planner.Resources;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// Devices by name, read from the form of `devices.json`.
public final class DeviceCatalog {
  private static final double GIGA = 1e9;
  private static final double TERA = 1e12;

  private final Map<String, Device> devices = new LinkedHashMap<>();

  private DeviceCatalog() {}

  /// The devices that come with the planner.
  public static DeviceCatalog standard() {
    var catalog = new DeviceCatalog();
    catalog.add(Resources.json("devices.json"), "devices.json");
    return catalog;
  }

  /// The same with those of a file in the same form, which win.
  ///
  /// @throws MalformedModelException naming the device and the field
  public DeviceCatalog with(JsonNode file, String name) {
    var catalog = new DeviceCatalog();
    catalog.devices.putAll(devices);
    catalog.add(file, name);
    return catalog;
  }

  private void add(JsonNode file, String name) {
    if (!file.path("devices").isObject()) {
      throw new MalformedModelException(name + " has no object \"devices\"; take the form of `deepstack plan devices "
          + "--json`");
    }
    for (Map.Entry<String, JsonNode> e : file.path("devices").properties()) {
      if (!e.getValue().has("alias_of") && !e.getValue().has("parts")) {
        devices.put(e.getKey(), read(e.getKey(), e.getValue(), null));
      }
    }
    for (Map.Entry<String, JsonNode> e : file.path("devices").properties()) {
      JsonNode d = e.getValue();
      if (d.has("alias_of")) {
        devices.put(e.getKey(), get(d.path("alias_of").asString("")));
      } else if (d.has("parts")) {
        // The host keeps the experts; the entry's own numbers describe it, and its peak the card.
        devices.put(e.getKey(), read(e.getKey(), d, get(d.path("parts").get(0).asString(""))));
      }
    }
  }

  /// The device of that name, `name:bin` for one of its bins.
  ///
  /// @throws InvalidInputException naming near ones
  public Device get(String name) {
    int colon = name.indexOf(':');
    Device device = devices.get(colon < 0 ? name : name.substring(0, colon));
    if (device == null) {
      List<String> near = Resources.nearest(name, devices.keySet(), 3);
      List<String> within = devices.keySet().stream().filter(n -> n.startsWith(name)).toList();
      if (!within.isEmpty() && colon < 0) {
        return get(within.getFirst());
      }
      throw new InvalidInputException("there is no device " + name + "; the nearest names are "
          + String.join(", ", near) + " (see `deepstack plan devices`)");
    }
    return colon < 0 ? device : device.bin(name.substring(colon + 1));
  }

  /// Whether there is such a device.
  public boolean has(String name) {
    return devices.containsKey(name);
  }

  /// All devices by name.
  public Map<String, Device> all() {
    return new LinkedHashMap<>(devices);
  }

  private static Device read(String id, JsonNode d, @Nullable Device host) {
    JsonNode memory = d.path("memory");
    var peaks = peaks(id, d.path("peak_dense_tflops"));
    JsonNode up = d.path("scale_up");
    JsonNode out = d.path("scale_out");
    boolean cpu = d.has("sockets") || host != null;
    double rate = optional(id, up, "bw_gb_s_per_device_unidirectional", 0) * GIGA;
    Device card = null;
    if (host != null) {
      card = new Device(id + " card", host.vendor(), "card", 1, 24 * GIGA, TERA, peaks, 1, rate, 2e-6, rate, 5e-6,
          false, false, null, 0, 0, Map.of(), Map.of(), List.of(), List.of(), "low");
      peaks = new TreeMap<>(host.peaks());
    }
    var prices = new TreeMap<String, Device.Fact>();
    for (Map.Entry<String, JsonNode> e : d.path("price_usd_per_hour").properties()) {
      if (e.getValue().path("value").isNumber()) {
        prices.put(e.getKey(), fact(e.getValue()));
      }
    }
    return new Device(id, d.path("vendor").asString(""), d.path("name").asString(id), d.path("dies").asInt(1),
        required(id, memory, "capacity_gb") * GIGA, required(id, memory, "bandwidth_tb_s") * TERA, peaks,
        (int) Math.max(1, optional(id, up, "domain_size", 1)), rate,
        optional(id, up, "one_hop_latency_us", 1.5) * 1e-6,
        optional(id, out, "bw_gb_s_per_device_unidirectional", Math.max(rate / GIGA, 1)) * GIGA,
        optional(id, out, "latency_us", 5) * 1e-6,
        up.path("topology").asString("").toLowerCase(Locale.ROOT).contains("mesh"), cpu, card,
        optional(id, d, "tdp_w", 0), optional(id, d, "all_in_kw_per_device", 0) * 1000, prices, bins(d),
        texts(d.path("conflicts")), texts(d.path("notes")), memory.path("bandwidth_tb_s").path("confidence")
            .asString("medium"));
  }

  private static TreeMap<String, Double> peaks(String id, JsonNode node) {
    var peaks = new TreeMap<String, Double>();
    for (Map.Entry<String, JsonNode> e : node.properties()) {
      JsonNode value = e.getValue().isObject() ? e.getValue().path("value") : e.getValue();
      if (value.isNumber()) {
        double v = value.doubleValue();
        if (!(v > 0 && v < 1e9)) {
          throw new MalformedModelException("the device " + id + " has a peak of " + v + " TFLOPS in " + e.getKey());
        }
        peaks.put(e.getKey(), v * TERA);
      }
    }
    if (peaks.isEmpty()) {
      throw new MalformedModelException("the device " + id + " has no number in peak_dense_tflops");
    }
    return peaks;
  }

  private static Map<String, Device.Bin> bins(JsonNode d) {
    var bins = new LinkedHashMap<String, Device.Bin>();
    for (Map.Entry<String, JsonNode> e : d.path("bins").properties()) {
      JsonNode b = e.getValue();
      var peaks = new TreeMap<String, Double>();
      for (String type : List.of("bf16", "fp8", "int8", "fp4")) {
        JsonNode v = b.path(type + "_tflops");
        if (v.isNumber()) {
          peaks.put(type, v.doubleValue() * TERA);
        }
      }
      bins.put(e.getKey(), new Device.Bin(b.path("capacity_gb").asDouble() * GIGA,
          b.path("bandwidth_tb_s").asDouble() * TERA, peaks, b.path("tdp_w").asDouble(0)));
    }
    return bins;
  }

  private static Device.Fact fact(JsonNode n) {
    return new Device.Fact(n.path("value").doubleValue(), n.path("source").asString(""),
        n.path("confidence").asString(""), n.path("note").asString(""));
  }

  private static double required(String id, JsonNode parent, String key) {
    double v = optional(id, parent, key, Double.NaN);
    if (!(v > 0)) {
      throw new MalformedModelException("the device " + id + " lacks a positive number in " + key);
    }
    return v;
  }

  private static double optional(String id, JsonNode parent, String key, double otherwise) {
    JsonNode node = parent.path(key);
    JsonNode value = node.isObject() ? node.path("value") : node;
    if (value.isMissingNode() || value.isNull()) {
      return otherwise;
    }
    if (!value.isNumber() || !(value.doubleValue() >= 0 && value.doubleValue() < 1e9)) {
      throw new MalformedModelException("the device " + id + " has " + value + " in " + key
          + ", where a number that is not negative belongs");
    }
    return value.doubleValue();
  }

  private static List<String> texts(JsonNode array) {
    var texts = new ArrayList<String>();
    array.forEach(t -> texts.add(t.asString("")));
    return texts;
  }
}
