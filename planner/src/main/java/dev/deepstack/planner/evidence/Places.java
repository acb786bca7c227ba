package dev.deepstack.planner.evidence;

import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.model.Attention;
import dev.deepstack.planner.model.ModelShape;
import java.util.Locale;
import tools.jackson.databind.JsonNode;

/// Where a point lies among the measurements.
public final class Places {
  private Places() {}

  static Evidence.Place of(Outcome o, ModelShape model, Device device) {
    Point p = o.point();
    JsonNode par = p.parallelism();
    double count = Double.isNaN(p.count()) ? 8 : p.count();
    double batch = !Double.isNaN(p.concurrency()) ? p.concurrency() / count
        : Double.isNaN(p.batchPerDevice()) ? given(p) : p.batchPerDevice();
    double context = !Double.isNaN(p.context()) ? p.context() : Double.isNaN(p.input()) ? 2048 : p.input();
    double spread = Math.max(par.path("attn_dp").asDouble(1), par.path("decode").path("attn_dp").asDouble(1)) > 1
        ? 1 : 0;
    return new Evidence.Place(o.kind(), model.name(), attention(model), p.device(), device.vendor(),
        Evidence.stack(p.framework()), width(p.precision()), p.phase(), batch, context, spread,
        Double.isNaN(p.drafts()) ? 0 : p.drafts());
  }

  private static double given(Point p) {
    double t = Scenario.given(p);
    return Double.isNaN(t) ? 8 : t * 1000;
  }

  /// Bits of the narrowest weights that words on a precision speak of.
  public static String width(String precision) {
    String p = precision.toLowerCase(Locale.ROOT);
    return p.contains("4") && !p.startsWith("bf16") ? "4" : p.contains("16") ? "16" : "8";
  }

  /// The kind of attention that a model's last layer has.
  public static String attention(ModelShape m) {
    Attention a = m.layers().getLast().attention();
    return switch (a) {
      case Attention.Grouped _ -> "grouped";
      case Attention.Latent l -> l.sparse() ? "sparse" : "latent";
      case Attention.Compressed _ -> "compressed";
      case Attention.Linear _ -> "linear";
    };
  }
}
