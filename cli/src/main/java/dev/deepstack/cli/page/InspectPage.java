package dev.deepstack.cli.page;

import static dev.deepstack.planner.report.Svg.escape;
import static dev.deepstack.planner.report.Svg.format;
import static dev.deepstack.planner.report.Svg.label;

import dev.deepstack.cli.bench.Profile;
import dev.deepstack.cli.bench.ProfileTable;
import dev.deepstack.planner.report.Svg;
import java.util.List;
import java.util.stream.Collectors;

/// What a model becomes: kernels with their time, memory over the step, the graph before and after the passes.
public final class InspectPage {
  private static final int WIDTH = 1000;
  private static final int STRIP = 34;
  private static final int TITLE_MAX = 200;

  private InspectPage() {}

  /// @param model what it is called
  public static String of(String model, Profile p) {
    var html = new StringBuilder();
    head(html, model, p);
    strip(html, p);
    kernels(html, p);
    MemoryPicture.append(html, p);
    GraphSection.append(html, p.imported(), p.graph());
    return Page.of("Inside " + model, html.toString());
  }

  private static void head(StringBuilder html, String model, Profile p) {
    format(html, "<h1>Inside %s</h1><p class='verdict'>A step takes %s ms: %d kernels in %d functions for %s, %d %s%s. "
        + "All of them are machine code.</p>", escape(model), milliseconds(p.step()), p.kernels().size(),
        p.groups().size(), escape(p.program().cpu()), p.threads(), p.threads() == 1 ? "thread" : "threads",
        p.sizes().isEmpty() ? "" : ", with " + escape(p.sizes().entrySet().stream().sorted(
            java.util.Map.Entry.comparingByKey()).map(e -> e.getKey() + " = " + e.getValue())
            .collect(Collectors.joining(", "))));
    format(html, "<p><small>Medians of %d runs. Kernels were timed in a run of their own, with a clock and a barrier "
        + "at each: that step takes %s ms. Beside it memory was read at %s GB/s and multiply-adds came to %s GFLOP/s."
        + "</small></p>", p.repeats(), milliseconds(p.clockedStep()),
        label(p.bandwidth() / 1e9), label(p.peak() / 1e9));
  }

  private static String milliseconds(double seconds) {
    return String.format(java.util.Locale.ROOT, seconds < 1e-3 ? "%.4f" : seconds < 1 ? "%.3f" : "%.0f", seconds * 1e3);
  }

  static List<String> kinds(Profile p) {
    return p.kernels().stream().map(r -> r.kernel().kind()).distinct().toList();
  }

  static String colour(List<String> kinds, String kind) {
    return Svg.COLOURS.get(kinds.indexOf(kind) % Svg.COLOURS.size());
  }

  /// The step from left to right, as wide as it takes time.
  private static void strip(StringBuilder html, Profile p) {
    List<String> kinds = kinds(p);
    format(html, "<h2>The step in time</h2><svg viewBox='0 0 %d %d' role='img' aria-label='Kernels in time'>", WIDTH,
        STRIP);
    double at = 0;
    for (Profile.Row row : p.kernels()) {
      double width = WIDTH * row.seconds() / p.total();
      format(html, "<rect x='%.2f' y='0' width='%.2f' height='%d' fill='%s'><title>%s, %s ms: %s</title></rect>", at,
          width, STRIP, colour(kinds, row.kernel().kind()), escape(row.kernel().function()),
          milliseconds(row.seconds()), escape(cut(row.kernel().note())));
      at += width;
    }
    html.append("</svg><p>");
    for (String kind : kinds) {
      double share = p.kernels().stream().filter(r -> r.kernel().kind().equals(kind)).mapToDouble(Profile.Row::seconds)
          .sum() / p.total();
      format(html, "<span class='key' style='background:%s'></span>%s <small>%.1f %%</small>", colour(kinds, kind),
          escape(kind), 100 * share);
    }
    html.append("</p>");
  }

  private static String cut(String note) {
    return note.length() <= TITLE_MAX ? note : note.substring(0, TITLE_MAX) + "…";
  }

  private static void kernels(StringBuilder html, Profile p) {
    html.append("<h2>Kernels</h2><p><small>Equal kernels share a function. Bytes and operations are the compiler's "
        + "estimates; what a cache holds comes faster than memory.</small></p><div class='wide'><table class='kernels'>"
        + "<tr><th>Function<th class='n'>Times<th class='n'>ms<th class='n'>Share<th><th class='n'>MB"
        + "<th class='n'>MFLOP<th class='n'>"
        + "GB/s<th class='n'>GFLOP/s<th>Bound by<th class='n'>Of that</tr>");
    List<Profile.Group> groups = p.groups();
    double most = groups.getFirst().seconds();
    for (Profile.Group g : groups) {
      row(html, p, g, most);
    }
    html.append("</table></div><details><summary>Every kernel in its order</summary><div class='wide'><table><tr>"
        + "<th class='n'>#<th>Function<th class='n'>ms<th class='n'>Share<th class='n'>KB<th class='n'>MFLOP"
        + "<th>Computes</tr>");
    int number = 0;
    for (Profile.Row r : p.kernels()) {
      format(html, "<tr><td class='n'>%d<td>%s<td class='n'>%s<td class='n'>%.1f %%<td class='n'>%s<td class='n'>%s<td>"
          + "<code>%s</code></tr>", ++number, escape(r.kernel().function()), milliseconds(r.seconds()),
          100 * r.seconds() / p.total(), label(r.bytes() / 1e3), label(r.flops() / 1e6),
          escape(cut(r.kernel().note())));
    }
    html.append("</table></div></details>");
  }

  private static void row(StringBuilder html, Profile p, Profile.Group g, double most) {
    Profile.Bound bound = p.bound(g.bytes(), g.flops(), g.rows().size());
    format(html, "<tr><td><b>%s</b><br><code class='soft'>%s</code><td class='n'>%d<td class='n'>%s"
        + "<td class='n'>%.1f %%<td class='bar'><i style='width:%.1f%%'></i>"
        + "<td class='n'>%s<td class='n'>%s<td class='n'>%s<td class='n'>%s"
        + "<td>%s<td class='n'>%.0f %%</tr>", escape(g.function()), escape(cut(g.first().note())), g.rows().size(),
        milliseconds(g.seconds()), 100 * g.seconds() / p.total(), 100 * g.seconds() / most, label(g.bytes() / 1e6),
        label(g.flops() / 1e6), label(g.bytes() / g.seconds() / 1e9), label(g.flops() / g.seconds() / 1e9),
        ProfileTable.word(bound), 100 * p.limit(g.bytes(), g.flops()) / g.seconds());
  }
}
