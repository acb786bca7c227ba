package dev.deepstack.planner.device;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A device as data. Rates are per device: bytes and operations per second, one direction, dense.
///
/// @param ranks ranks that a device holds; 2 where a chip has two dies that work as devices of their own
/// @param peaks operations per second by data type: bf16, fp8, int8, fp4 …
/// @param scaleUp devices that the fast fabric joins
/// @param scaleUpRate bytes per second over the fast fabric
/// @param scaleUpLatency seconds for one hop of it
/// @param scaleOutRate bytes per second beyond it
/// @param mesh whether the fast fabric is a mesh of direct links instead of a switch
/// @param host whether this is a processor with its own memory instead of an accelerator
/// @param card the accelerator beside a host that holds the experts, or null
public record Device(String id, String vendor, String name, int ranks, double memory, double bandwidth,
    Map<String, Double> peaks, int scaleUp, double scaleUpRate, double scaleUpLatency, double scaleOutRate,
    double scaleOutLatency, boolean mesh, boolean host, @Nullable Device card, double powerMax, double powerAll,
    Map<String, Fact> prices, Map<String, Bin> bins, List<String> conflicts, List<String> notes,
    String confidence) {
  /// The confidence of a device whose rates were measured where they are used.
  public static final String MEASURED = "measured";

  /// A number with where it comes from.
  public record Fact(double value, String source, String confidence, String note) {}

  /// One of several versions of a device that are sold.
  public record Bin(double memory, double bandwidth, Map<String, Double> peaks, double power) {}

  /// Copies what can change.
  public Device {
    peaks = Map.copyOf(peaks);
    conflicts = List.copyOf(conflicts);
    notes = List.copyOf(notes);
  }

  /// Whether it multiplies that type itself.
  public boolean has(String type) {
    return peaks.containsKey(type);
  }

  /// Peak for a data type; where the device lacks it, of what has to do the work instead.
  public double peak(String type) {
    Double own = peaks.get(type);
    if (own != null) {
      return own;
    }
    return switch (type) {
      case "fp4" -> peak("fp8");
      case "fp8", "int8" -> {
        Double other = peaks.get(type.equals("fp8") ? "int8" : "fp8");
        yield other != null ? other : peak("bf16");
      }
      case "bf16" -> peaks.getOrDefault("fp16", 1e12);
      default -> peak("bf16");
    };
  }

  /// One rank of it.
  public Device rank() {
    if (ranks == 1) {
      return this;
    }
    double part = 1.0 / ranks;
    var less = new java.util.TreeMap<String, Double>();
    peaks.forEach((k, v) -> less.put(k, v * part));
    return new Device(id, vendor, name, 1, memory * part, bandwidth * part, less, scaleUp * ranks, scaleUpRate * part,
        scaleUpLatency, scaleOutRate * part, scaleOutLatency, mesh, host, card, powerMax * part, powerAll * part,
        prices, bins, conflicts, notes, confidence);
  }

  /// The same with other links.
  public Device withLinks(int domain, double rate, double latency, double beyond) {
    return new Device(id, vendor, name, ranks, memory, bandwidth, peaks, domain, rate, latency, beyond,
        scaleOutLatency, mesh, host, card, powerMax, powerAll, prices, bins, conflicts, notes, confidence);
  }

  /// The same with memory, bandwidth and peaks times the factors.
  public Device scaled(double memoryTimes, double bandwidthTimes, double peakTimes) {
    var other = new java.util.TreeMap<>(peaks);
    other.replaceAll((_, v) -> v * peakTimes);
    return new Device(id, vendor, name, ranks, memory * memoryTimes, bandwidth * bandwidthTimes, other, scaleUp,
        scaleUpRate, scaleUpLatency, scaleOutRate, scaleOutLatency, mesh, host, card, powerMax, powerAll, prices,
        bins, conflicts, notes, confidence);
  }

  /// The id with the bin that was chosen, as catalogs take it.
  public String label() {
    return bins.keySet().stream().filter(b -> name.endsWith(" (" + b + ")")).findFirst().map(b -> id + ":" + b)
        .orElse(id);
  }

  /// The same in one of its bins.
  public Device bin(String bin) {
    Bin b = bins.get(bin);
    if (b == null) {
      throw new dev.deepstack.tensor.InvalidInputException("the device " + id + " has no bin " + bin + "; it has "
          + String.join(", ", bins.keySet()));
    }
    var other = new java.util.TreeMap<>(peaks);
    double scale = peaks.containsKey("fp4") && b.peaks().containsKey("fp4")
        ? b.peaks().get("fp4") / peaks.get("fp4") : 1;
    other.replaceAll((k, v) -> b.peaks().getOrDefault(k, v * scale));
    return new Device(id, vendor, name + " (" + bin + ")", ranks, b.memory(), b.bandwidth(), other, scaleUp,
        scaleUpRate, scaleUpLatency, scaleOutRate, scaleOutLatency, mesh, host, card,
        b.power() > 0 ? b.power() : powerMax, powerAll, prices, bins, conflicts, notes, confidence);
  }
}
