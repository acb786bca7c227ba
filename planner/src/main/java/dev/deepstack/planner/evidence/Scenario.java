package dev.deepstack.planner.evidence;

import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.model.Precision;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// A point's conditions in the planner's terms; what is not published gets the usual choice.
///
/// @param rank one rank of the device
/// @param ranks ranks of the whole system
/// @param perDevice ranks per device
record Scenario(ModelShape model, Device rank, double ranks, int perDevice, Precision precision,
    Conditions conditions) {
  private static final Pattern YOUNG =
      Pattern.compile("preview|nightly|-dev|glm5-hopper|vllm-ascend|sglang-npu|MindIE");
  private static final Pattern PER_USER = Pattern.compile("(?:at|see) ([\\d.]+)(?:-([\\d.]+))? (?:output )?tok/s");

  static Scenario of(Point p, ModelShape model, Device device) {
    double count = count(p, device);
    double width = width(p.parallelism());
    int perDevice = device.ranks() > 1 && width > 0 && width <= count ? 1 : device.ranks();
    if (perDevice > 1 && count < 1) {
      count = 1.0 / perDevice;
    }
    Device rank = perDevice == 1 ? device : device.rank();
    Precision precision = Precision.parse(p.precision());
    String words = p.conditions().toLowerCase(Locale.ROOT);
    String par = p.parallelism().toString().toLowerCase(Locale.ROOT);
    boolean overlap = words.contains("two-batch") || words.contains("two micro-batches;")
        || words.contains("two-micro-batch") || p.parallelism().path("micro_batches").asInt(1) > 1
        || width >= 16 && (p.framework().equals("sglang") || p.framework().contains("RTP"))
        || p.framework().contains("CloudMatrix") || p.framework().contains("in-house");
    boolean balanced = words.contains("balanced") && !words.contains("default")
        || words.contains("perfect expert balance");
    if (p.parallelism().path("micro_batches").asInt(2) == 1) {
      overlap = false;
    }
    double drafts = Double.isNaN(p.drafts()) ? 0 : p.drafts();
    double accepted = Double.isNaN(p.accepted()) ? usual(drafts) : p.accepted();
    double host = par.contains("host") && par.contains("experts") && !device.host() ? 155e9 : 0;
    boolean served = !p.isOffline();
    boolean plainHost = device.host() && p.framework().contains("llama.cpp");
    boolean young = plainHost || YOUNG.matcher(p.framework()).find();
    boolean vector = plainHost || device.host() && p.framework().contains("v0.2");
    return new Scenario(model, rank, count * perDevice, perDevice, precision,
        new Conditions(served, balanced, overlap, (int) drafts, accepted, host, vector, young));
  }

  /// What is accepted where a point says only how many are drafted.
  private static double usual(double drafts) {
    double sum = 0;
    double a = 0.7;
    for (int i = 0; i < drafts; i++) {
      sum += a;
      a *= 0.65;
    }
    return sum;
  }

  /// Ranks of an instance as published, or 0.
  private static double width(JsonNode par) {
    double tp = Math.max(1, par.path("tp").asDouble(1));
    double dp = Math.max(1, Math.max(par.path("attn_dp").asDouble(1), par.path("dp").asDouble(1)));
    double moe = Math.max(1, par.path("moe_ep").asDouble(1)) * Math.max(1, par.path("moe_tp").asDouble(1));
    double width = Math.max(tp * dp, moe);
    return width > 1 ? width : 0;
  }

  private static double count(Point p, Device device) {
    if (!Double.isNaN(p.count())) {
      return p.count();
    }
    double width = width(p.parallelism());
    if (width > 0) {
      return Math.max(1, width / device.ranks());
    }
    return p.phase().equals("e2e") && !p.parallelism().path("mode").asString("").contains("frontier") ? 8 : 64;
  }

  /// The layout of one instance on `ranks` ranks with the published widths `par`.
  Layout layout(JsonNode par, double ranks, String phase) {
    int n = (int) Math.max(1, Math.round(ranks));
    if (rank.host()) {
      return Layout.ONE;
    }
    double tp = par.path("tp").asDouble(0);
    double dp = Math.max(par.path("attn_dp").asDouble(0), par.path("dp").asDouble(0));
    double moeTp = par.path("moe_tp").asDouble(0);
    double ep = par.path("moe_ep").asDouble(0);
    int pp = (int) Math.max(1, par.path("pp").asDouble(1));
    if (par.path("pp").isString()) {
      pp = n;
    }
    int stage = Math.max(1, n / pp);
    if (model.layers().stream().noneMatch(l -> l.feed().routed())) {
      int width = tp > 0 ? (int) tp : Math.min(stage, 8);
      return new Layout(width, Math.max(1, stage / width), width, 1, pp);
    }
    if (tp <= 0 && dp <= 0) {
      boolean wide = ep > 1 || stage > 8 || phase.equals("prefill") && stage > 8
          || par.toString().contains("recipe");
      tp = wide ? 1 : stage;
      dp = wide ? stage : 1;
    } else if (tp <= 0) {
      tp = Math.max(1, Math.floor(stage / dp));
    } else if (dp <= 0) {
      dp = Math.max(1, Math.floor(stage / tp));
    }
    int t = (int) tp;
    int d = (int) dp;
    int width = t * d;
    int experts = ep > 0 ? (int) Math.min(ep, width) : moeTp > 0 ? 1 : d > 1 ? width : 1;
    int share = Math.max(1, width / experts);
    return new Layout(t, d, share, experts, pp);
  }

  /// Seconds per token that the point takes as given, or NaN.
  static double given(Point p) {
    if (p.metrics().containsKey("tpot_ms") && !p.score().contains("tpot_ms")) {
      return p.metric("tpot_ms") / 1000;
    }
    Matcher m = PER_USER.matcher(p.conditions().toLowerCase(Locale.ROOT));
    if (m.find()) {
      double low = Double.parseDouble(m.group(1));
      double high = m.group(2) == null ? low : Double.parseDouble(m.group(2));
      return 2 / (low + high);
    }
    return Double.NaN;
  }
}
