package dev.deepstack.planner.model;

import dev.deepstack.tensor.MalformedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.databind.JsonNode;

/// Reads the short form of a model in tables of published points: totals, layers and a few words on attention. What
/// the words leave open is filled so that the totals come out.
final class SummaryReader {
  private static final Pattern GROUPED = Pattern.compile("gqa (\\d+)/(\\d+)(?:, head (\\d+))?");
  private static final Pattern HEADS = Pattern.compile("(\\d+) heads");
  private static final Pattern TOP = Pattern.compile("top ([\\d,]+)");
  private static final Pattern WINDOW = Pattern.compile("window (\\d+)");

  private SummaryReader() {}

  static ModelShape read(String name, JsonNode s) {
    double total = s.path("total_b").asDouble(0) * 1e9;
    if (!(total > 0 && total < 1e15)) {
      throw new MalformedModelException("total_b of " + name + " is not the number of weights in billions");
    }
    double active = Math.min(total, s.path("active_b").asDouble(s.path("total_b").asDouble(0)) * 1e9);
    int hidden = s.path("hidden").asInt(0) > 0 ? s.path("hidden").asInt() : guessHidden(active);
    int depth = s.path("layers").asInt(0) > 0 ? s.path("layers").asInt()
        : (int) Math.max(8, Math.round(active / (12.0 * hidden * hidden)));
    int experts = s.path("experts").asInt(0);
    int topK = Math.max(1, s.path("top_k").asInt(8));
    int vocab = s.path("vocab").asInt(150_000);
    String words = s.path("attention").asString("").toLowerCase(Locale.ROOT);
    int denseLayers = experts > 0 ? Math.min(depth - 1, s.path("dense_layers").asInt(0)) : depth;
    var layers = new ArrayList<Layer>();
    int inner = s.path("expert_inter").asInt(0);
    if (experts > 0 && inner == 0) {
      inner = (int) Math.max(64, (total - active) / (3.0 * hidden * (experts - topK) * (depth - denseLayers)));
    }
    double shared = s.path("shared").asInt(0) * (double) inner;
    int dense = s.path("ffn").asInt(0);
    List<Attention> attentions = attentions(words, hidden, depth);
    double attentionWeights = attentions.stream().mapToDouble(Attention::weights).sum();
    if (dense == 0) {
      double left = active - attentionWeights - 2.0 * hidden * vocab
          - (depth - denseLayers) * 3.0 * hidden * (topK * (double) inner + shared);
      dense = denseLayers == 0 ? 0 : (int) Math.max(hidden, left / (3.0 * hidden * denseLayers));
      dense = Math.min(dense, 16 * hidden);
    }
    int zero = s.path("zero_experts").asInt(0);
    int width = s.path("latent").asInt(hidden);
    if (experts > 0) {
      // What is active and neither attention nor routed passes every token: shared experts that go unmentioned.
      double routed = 3.0 * width * inner * topK * experts / (experts + zero);
      double known = attentionWeights + 2.0 * hidden * vocab + denseLayers * 3.0 * hidden * dense
          + (depth - denseLayers) * (routed + 3.0 * hidden * shared);
      shared += Math.max(0, active - known) / (3.0 * hidden * (depth - denseLayers));
    }
    int streams = s.path("other").asString("").contains("hyper-connections") ? 4 : 1;
    for (int i = 0; i < depth; i++) {
      Feed feed = i < denseLayers ? Feed.dense(dense, hidden)
          : new Feed((int) shared, experts, zero, topK, inner, width, 3);
      layers.add(new Layer(1, attentions.get(i), feed, streams));
    }
    return new ModelShape(name, hidden, vocab, Layer.merged(layers), s.path("mtp_layers").asInt(1), false,
        s.path("confidence").asString("medium"));
  }

  private static int guessHidden(double active) {
    return (int) (256 * Math.round(Math.clamp(Math.cbrt(active / 1e9) * 1800, 1024, 16_384) / 256));
  }

  private static List<Attention> attentions(String words, int hidden, int depth) {
    int heads = number(HEADS, words, Math.max(8, hidden / 64));
    int top = number(TOP, words, 2048);
    var list = new ArrayList<Attention>();
    for (int i = 0; i < depth; i++) {
      list.add(one(words, hidden, heads, top, i));
    }
    return list;
  }

  private static Attention one(String words, int hidden, int heads, int top, int i) {
    if (words.contains("csa")) {
      boolean leading = words.contains("first 2 layers sliding") && i < 2;
      int ratio = leading ? 0 : i % 2 == 0 ? 4 : 128;
      return new Attention.Compressed(hidden, Math.max(8, hidden / 56 / 64 * 64), 1024 + (hidden - 4096) / 6, 512,
          Math.max(1, hidden / 448 / 8 * 8), 1024, 128, ratio, ratio == 4 ? top : 0, 64, 128);
    }
    if (words.contains("mla") || words.contains("latent")) {
      boolean sparse = words.contains("index") || words.contains("sparse");
      return new Attention.Latent(hidden, words.contains("heads") ? heads : 128, 1536, 512, 64, 128, 128,
          sparse ? top : 0, 64, 128);
    }
    if (words.contains("mfa")) {
      return new Attention.Grouped(hidden, 64, 1, 256, 0, false);
    }
    if (words.contains("linear") && i % 4 != 3) {
      return new Attention.Linear(hidden, hidden / 64, 4.5 * hidden * hidden, hidden * 256.0);
    }
    Matcher grouped = GROUPED.matcher(words);
    if (grouped.find()) {
      int window = words.contains("window") && i % 2 == 0 ? number(WINDOW, words, 0) : 0;
      int head = grouped.group(3) != null ? Integer.parseInt(grouped.group(3)) : 128;
      return new Attention.Grouped(hidden, Integer.parseInt(grouped.group(1)), Integer.parseInt(grouped.group(2)),
          head, window, false);
    }
    return new Attention.Grouped(hidden, Math.max(8, hidden / 64), 8, 128, 0, false);
  }

  private static int number(Pattern pattern, String words, int otherwise) {
    Matcher m = pattern.matcher(words);
    return m.find() ? Integer.parseInt(m.group(1).replace(",", "")) : otherwise;
  }
}
