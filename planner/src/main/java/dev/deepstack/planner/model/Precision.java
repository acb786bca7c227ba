package dev.deepstack.planner.model;

import java.util.Locale;

/// How numbers are stored and multiplied.
///
/// @param expertBytes bytes per weight of routed experts, scales included
/// @param denseBytes bytes per weight of other MLPs
/// @param attentionBytes bytes per weight of attention projections
/// @param cacheBytes bytes per cached number
/// @param expertMath what experts are multiplied in: bf16, fp8, int8 or fp4
/// @param denseMath what other linear layers that are stored in less than 16 bits are multiplied in
public record Precision(String text, double expertBytes, double denseBytes, double attentionBytes, double cacheBytes,
    String expertMath, String denseMath) {
  private static final double FOUR = 0.5 + 1.0 / 32;
  private static final double NV4 = 0.5 + 1.0 / 16;

  /// Reads the words that published tables use.
  public static Precision parse(String text) {
    String t = text.toLowerCase(Locale.ROOT);
    double cache = t.contains("kv int8") || t.contains("kv fp8") || t.contains("fp8 kv") || t.contains("c8") ? 1 : 2;
    if (t.contains("mxfp8") || t.contains("hif8") || t.contains("mx / fp8") || t.contains("as shipped")
        || t.contains("fp8 dense, mxfp4") || t.contains("mxfp4 on cpu") || t.contains("low precision")) {
      boolean four = t.contains("fp4") || t.contains("as shipped") || t.contains("low precision");
      return new Precision(text, four ? FOUR : 1, 1, 1, 1, four ? t.contains("no mx") ? "bf16" : "fp4" : "fp8", "fp8");
    }
    if (t.contains("nvfp4")) {
      boolean fp8 = t.startsWith("fp8 attention");
      return new Precision(text, NV4, fp8 ? 1 : NV4, fp8 ? 1 : 2, fp8 ? 1 : cache, "fp4", fp8 ? "fp8" : "fp4");
    }
    if (t.startsWith("bf16 attention, fp8")) {
      return new Precision(text, 1, 1, 2, 2, "fp8", "bf16");
    }
    if (t.contains("fp8 moe gemm")) {
      return new Precision(text, 1, 1, 1, 2, "fp8", "fp8");
    }
    if (t.contains("mxfp4 weights")) {
      return new Precision(text, FOUR, 2, 2, 2, "fp8", "bf16");
    }
    if (t.contains("int4 weights")) {
      return new Precision(text, NV4, 2, 2, 2, "bf16", "bf16");
    }
    if (t.contains("fp4 experts") || t.startsWith("fp4")) {
      return new Precision(text, FOUR, 1, 1, 1, "fp4", "fp8");
    }
    if (t.contains("w4a8")) {
      return new Precision(text, FOUR, 1, 1, cache, "int8", "int8");
    }
    if (t.contains("w8a8") || t.contains("int8") && !t.contains("q4")) {
      return new Precision(text, 1, 1, 1, cache, "int8", "int8");
    }
    if (t.startsWith("q4")) {
      return new Precision(text, 0.606, 0.606, 0.606, 2, "bf16", "bf16");
    }
    if (t.startsWith("q8") || t.contains("8-bit") || t.contains("q8")) {
      return new Precision(text, 1.0625, 1.0625, 1.0625, 2, "bf16", "bf16");
    }
    if (t.contains("fp8")) {
      return new Precision(text, 1, 1, 1, cache, "fp8", "fp8");
    }
    return new Precision(text, 2, 2, 2, 2, "bf16", "bf16");
  }

  /// What attention projections are multiplied in.
  public String attentionMath() {
    return attentionBytes >= 2 ? "bf16" : denseMath;
  }

  /// The same for a model without experts, whose attention is stored like its other layers.
  public Precision uniform() {
    return new Precision(text, expertBytes, denseBytes, denseBytes, cacheBytes, expertMath, denseMath);
  }

  /// The same with a cache of `bytes` per number.
  public Precision withCache(double bytes) {
    return new Precision(text, expertBytes, denseBytes, attentionBytes, bytes, expertMath, denseMath);
  }
}
