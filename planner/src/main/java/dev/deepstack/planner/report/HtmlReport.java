package dev.deepstack.planner.report;

import static dev.deepstack.planner.report.Svg.escape;
import static dev.deepstack.planner.report.Svg.label;

import dev.deepstack.planner.Plan;
import dev.deepstack.planner.PlanRequest;
import dev.deepstack.planner.Planner;
import dev.deepstack.planner.cost.Terms;
import dev.deepstack.planner.device.Fabric;
import dev.deepstack.planner.device.Placement;
import dev.deepstack.planner.evidence.Evidence;
import dev.deepstack.planner.evidence.Point;
import dev.deepstack.planner.evidence.PointReader;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Set;

/// Plans as one page that needs nothing else.
public final class HtmlReport {
  private static final String STYLE = """
      body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1a1a1a;
      background:#fff}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2.2rem}table{border-collapse:collapse;
      width:100%;font-size:.88rem}td,th{padding:.3rem .5rem;border-bottom:1px solid #ddd;text-align:left;
      vertical-align:top}td.n,th.n{text-align:right;white-space:nowrap}svg{width:100%;height:auto;font:12px
      system-ui,sans-serif}.grid{stroke:#e5e5e5}.verdict{font-size:1.15rem;border-left:4px solid #0072b2;
      padding:.4rem .9rem;background:#f3f8fb}code{background:#f2f2f2;padding:.15rem .3rem;word-break:break-all}
      .no{color:#8a3b00}.fabric{display:flex;gap:.6rem;flex-wrap:wrap}.fabric div{border:2px solid #0072b2;
      border-radius:.4rem;padding:.4rem .7rem;font-size:.88rem}input[type=range]{width:60%}small{color:#555}
      """;

  private HtmlReport() {}

  /// The page.
  public static String of(PlanSet set, List<Claims.Claim> claims) {
    PlanRequest q = set.plans().getFirst().request();
    var html = new StringBuilder();
    html.append("<!doctype html><html lang='en'><head><meta charset='utf-8'><meta name='viewport' "
        + "content='width=device-width,initial-scale=1'><title>").append(escape("Plan: " + q.model().name()))
        .append("</title><style>").append(STYLE).append("</style></head><body>");
    Svg.format(html, "<h1>%s: prompts of %d tokens, answers of %d</h1><p class='verdict'>%s</p>",
        escape(q.model().name()), q.input(), q.output(), escape(set.verdict()));
    plans(html, set);
    pareto(html, set);
    step(html, set);
    memory(html, set);
    cost(html, set);
    fabric(html, set);
    evidence(html, set);
    claims(html, claims);
    Svg.format(html, "<h2>Repeat this</h2><p><code>%s</code></p><p><small>TPOT is the time per accepted token after "
        + "the first, TTFT includes waiting. Intervals hold four of five published points that the calibration had not "
        + "seen. Expert load is taken as uneven where experts are spread. Prices on the basis %s.</small></p>"
        + "</body></html>%n", escape(set.command()), escape(set.money().basis()));
    return html.toString();
  }

  private static String name(Plan p) {
    return p.request().count() + " x " + p.request().device().id();
  }

  private static void plans(StringBuilder html, PlanSet set) {
    html.append("<h2>Best plans</h2><table><tr><th>Devices<th>Configuration<th class='n'>Batch<th class='n'>TPOT ms"
        + "<th class='n'>TTFT s<th class='n'>Tokens/s per device<th class='n'>$ per M tokens<th class='n'>J per token"
        + "</tr>");
    for (Plan p : set.plans()) {
      Plan.Choice c = p.best();
      if (c == null) {
        Svg.format(html, "<tr><td>%s<td colspan='7' class='no'>%s</tr>", escape(name(p)),
            escape(String.valueOf(p.refusal())));
        continue;
      }
      int count = p.request().count();
      OptionalDouble price = set.money().price(p.request().device());
      double joules = Money.joules(p.request().device(), count, c);
      Svg.format(html, "<tr><td>%s<br><small>%s</small><td>%s<br><small>%s</small><td class='n'>%.0f<td class='n'>%s"
          + "<td class='n'>%s<td class='n'>%s<td class='n'>%s<td class='n'>%s</tr>", escape(name(p)),
          escape(p.request().device().name()), escape(c.words()), escape(c.precision().text()), c.batch(),
          band(c.tpot().times(1000)), band(c.ttft()), band(c.output().times(1.0 / count)),
          price.isPresent() ? label(Money.perMillion(price.getAsDouble(), count, c.output().value())) : "no price",
          Double.isNaN(joules) ? "-" : label(joules));
    }
    html.append("</table>");
  }

  private static String band(Plan.Band b) {
    return label(b.value()) + "<br><small>" + label(b.low()) + " to " + label(b.high()) + "</small>";
  }

  private static void pareto(StringBuilder html, PlanSet set) {
    var lines = new ArrayList<Svg.Line>();
    var near = new LinkedHashSet<String>();
    for (Plan p : set.plans()) {
      if (p.front().isEmpty()) {
        continue;
      }
      int count = p.request().count();
      var dots = new ArrayList<Svg.Dot>();
      for (Plan.Choice c : Planner.shown(p.front(), p.best())) {
        boolean best = c.equals(p.best());
        double y = c.output().value() / count;
        dots.add(new Svg.Dot(1 / c.tpot().value(), y, best ? c.output().low() / count : y,
            best ? c.output().high() / count : y, c.words() + ", batch " + (int) c.batch(), best));
        c.nearest().forEach(m -> near.add(m.id()));
      }
      dots.sort(java.util.Comparator.comparingDouble(Svg.Dot::x));
      lines.add(new Svg.Line(name(p), dots, true));
    }
    lines.add(new Svg.Line("measured nearby", measured(near), false));
    html.append("<h2>Speed for a user against output of a device</h2>");
    html.append(Svg.lines("Pareto curves", "tokens per second for a user", "tokens per second and device",
        lines.stream().filter(l -> !l.dots().isEmpty()).toList(), true));
    html.append("<p><small>The large dot is the best plan within the targets, its bar the 80 % interval. Squares are "
        + "published measurements of near cases: other lengths, models or software, so they need not lie on a "
        + "line.</small></p>");
  }

  private static List<Svg.Dot> measured(Set<String> ids) {
    var dots = new ArrayList<Svg.Dot>();
    for (Point p : PointReader.standard()) {
      double batch = Double.isNaN(p.batchPerDevice()) ? p.concurrency() / p.count() : p.batchPerDevice();
      double tpot = p.metric("tpot_ms") / 1000;
      if (ids.contains(p.id()) && batch > 0 && tpot > 0) {
        dots.add(new Svg.Dot(1 / tpot, batch / tpot, batch / tpot, batch / tpot, p.id() + ", " + p.framework(), false));
      }
    }
    return dots;
  }

  private static void step(StringBuilder html, PlanSet set) {
    var bars = new ArrayList<Svg.Bar>();
    for (Plan p : set.plans()) {
      Plan.Choice c = p.best();
      if (c != null) {
        double[] ms = Arrays.stream(c.step().values()).map(v -> v * 1000).toArray();
        bars.add(new Svg.Bar(name(p), ms, Arrays.stream(ms).sum()));
      }
    }
    if (!bars.isEmpty()) {
      html.append("<h2>What a decoding step consists of</h2>")
          .append(Svg.bars("Time of a step", "ms", List.of(Terms.names()), bars));
    }
  }

  private static void memory(StringBuilder html, PlanSet set) {
    var bars = new ArrayList<Svg.Bar>();
    for (Plan p : set.plans()) {
      Plan.Choice c = p.best();
      if (c != null) {
        Plan.Memory m = c.memory();
        bars.add(new Svg.Bar(name(p), new double[] {m.weights() / 1e9, m.cache() / 1e9, m.work() / 1e9},
            m.capacity() / 1e9));
      }
    }
    if (!bars.isEmpty()) {
      html.append("<h2>Memory of a rank</h2>")
          .append(Svg.bars("Memory", "GB", List.of("weights", "cache", "work"), bars));
    }
  }

  private static void cost(StringBuilder html, PlanSet set) {
    Plan reference = null;
    for (Plan p : set.plans()) {
      if (p.best() != null && (reference == null
          || set.money().price(reference.request().device()).isEmpty()
          && set.money().price(p.request().device()).isPresent())) {
        reference = p;
      }
    }
    if (reference == null) {
      return;
    }
    double start = set.money().price(reference.request().device()).orElse(2);
    var lines = new ArrayList<Svg.Line>();
    var rows = new StringBuilder();
    for (Plan p : set.plans()) {
      if (p.best() == null) {
        continue;
      }
      double share = PlanSet.perDevice(p) / PlanSet.perDevice(reference);
      var dots = new ArrayList<Svg.Dot>();
      for (int i = 0; i <= 4; i++) {
        double x = start * 2 * i / 4;
        dots.add(new Svg.Dot(x, x * share, x * share, x * share, label(x * share) + " $/h", false));
      }
      lines.add(new Svg.Line(name(p), dots, true));
      Svg.format(rows, "<tr><td>%s<td class='n'>%.3f<td class='n' data-share='%.6f'>%.2f<td>%s</tr>",
          escape(name(p)), share, share, share * start, escape(set.money().source(p.request().device())));
    }
    Svg.format(html, "<h2>Price at which devices cost the same per token</h2><p>If a %s costs <b id='price'>%.2f</b> $ "
        + "per hour: <input id='slider' type='range' min='0.1' max='%.2f' step='0.05' value='%.2f' "
        + "aria-label='price'></p>", escape(reference.request().device().id()), start, Math.max(4, start * 2), start);
    html.append("<table><tr><th>Devices<th class='n'>Output per device<th class='n'>Equal at $/h<th>Own price from"
        + "</tr>").append(rows).append("</table>");
    html.append(Svg.lines("Break-even", "$ per hour of " + reference.request().device().id(), "equal at $ per hour",
        lines, false));
    html.append("<script>const s=document.getElementById('slider');s.oninput=()=>{document.getElementById('price')"
        + ".textContent=(+s.value).toFixed(2);document.querySelectorAll('[data-share]').forEach(c=>{c.textContent="
        + "(c.dataset.share*s.value).toFixed(2)})};</script>");
  }

  private static void fabric(StringBuilder html, PlanSet set) {
    html.append("<h2>Links</h2>");
    for (Plan p : set.plans()) {
      Plan.Choice c = p.best();
      if (c == null || c.layout().ranks() == 1) {
        continue;
      }
      PlanRequest q = p.request();
      Fabric f = (q.fabric() != null ? q.fabric() : Fabric.of(q.device().rank(), q.count() * q.device().ranks()))
          .within(c.layout().ranks());
      double bytes = c.batch() / Math.max(1, c.instances()) / c.layout().ranks() * q.model().hidden() * 3;
      List<Double> loads = f.loads(bytes);
      Svg.format(html, "<p>%s, one layer's exchange of %s KB per rank (%s us):</p><div class='fabric'>",
          escape(name(p)), label(bytes / 1e3), label(f.exchange(bytes) * 1e6));
      for (int i = 0; i < f.levels().size(); i++) {
        Fabric.Level l = f.levels().get(i);
        Svg.format(html, "<div>%s<br>%s of %d, %s GB/s<br>busiest link %s KB</div>", escape(l.name()),
            l.kind().name().toLowerCase(Locale.ROOT), l.size(), label(l.rate() / 1e9), label(loads.get(i) / 1e3));
      }
      html.append("</div>");
      if (c.placement() != null) {
        placement(html, c.placement());
      }
    }
  }

  private static void placement(StringBuilder html, Placement placement) {
    Svg.format(html, "<p>Experts: the busiest rank has %.2f times the mean, the busiest part beyond the fast links "
        + "%.2f times.</p><details><summary>Which rank has which</summary><table><tr><th>Rank<th>Experts</tr>",
        placement.worstRank(), placement.worstLink());
    for (int r = 0; r < placement.ranks().size(); r++) {
      Svg.format(html, "<tr><td>%d<td>%s</tr>", r, escape(placement.ranks().get(r).toString()));
    }
    html.append("</table></details>");
  }

  private static void evidence(StringBuilder html, PlanSet set) {
    Map<String, Evidence.Measured> near = new LinkedHashMap<>();
    set.plans().forEach(p -> {
      Plan.Choice c = p.best();
      if (c != null) {
        c.nearest().forEach(m -> near.putIfAbsent(m.id(), m));
      }
    });
    html.append("<h2>Measured nearby</h2><table><tr><th>Point<th>Device<th>Model<th>Software<th class='n'>Cost model "
        + "off by</tr>");
    near.values().forEach(m -> Svg.format(html, "<tr><td>%s<td>%s<td>%s<td>%s<td class='n'>%+.0f %%</tr>",
        escape(m.id()), escape(m.place().device()), escape(m.place().model()), escape(m.place().stack()),
        100 * (Math.exp(-m.residual()) - 1)));
    html.append("</table>");
  }

  private static void claims(StringBuilder html, List<Claims.Claim> claims) {
    html.append("<h2>Claims checked</h2>");
    for (Claims.Claim c : claims) {
      Svg.format(html, "<p><b>%s</b> %s</p><ul>", escape(c.verdict()), escape(c.claim()));
      c.evidence().forEach(e -> Svg.format(html, "<li>%s</li>", escape(e)));
      c.computed().forEach(e -> Svg.format(html, "<li>%s</li>", escape(e)));
      html.append("</ul>");
    }
  }
}
