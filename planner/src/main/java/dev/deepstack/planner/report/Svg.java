package dev.deepstack.planner.report;

import java.util.List;
import java.util.Locale;

/// Charts as SVG text, and pieces of pages.
public final class Svg {
  /// Colours that are told apart without red against green.
  public static final List<String> COLOURS = List.of("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00",
      "#7a6a00", "#999999", "#5b3f8c");
  private static final int WIDTH = 860;
  private static final int LEFT = 70;
  private static final int BOTTOM = 46;

  private Svg() {}

  /// A point of a line; the band is drawn as a bar where low < high.
  record Dot(double x, double y, double low, double high, String title, boolean strong) {}

  /// A named line.
  record Line(String name, List<Dot> dots, boolean joined) {}

  /// A bar in parts.
  record Bar(String name, double[] parts, double whole) {}

  /// Lines over logarithmic axes.
  static String lines(String title, String xName, String yName, List<Line> lines, boolean log) {
    int height = 400;
    double xLow = Double.POSITIVE_INFINITY;
    double xHigh = 0;
    double yLow = Double.POSITIVE_INFINITY;
    double yHigh = 0;
    for (Line l : lines) {
      for (Dot d : l.dots()) {
        xLow = Math.min(xLow, d.x());
        xHigh = Math.max(xHigh, d.x());
        yLow = Math.min(yLow, Math.min(d.y(), d.low()));
        yHigh = Math.max(yHigh, Math.max(d.y(), d.high()));
      }
    }
    if (xHigh == 0 || yHigh == 0) {
      return "<p>Nothing to draw.</p>";
    }
    var x = new Axis(log ? xLow * 0.9 : 0, xHigh * 1.1, LEFT, WIDTH - 190, log);
    var y = new Axis(log ? yLow * 0.8 : 0, yHigh * 1.2, height - BOTTOM, 16, log);
    var svg = new StringBuilder();
    open(svg, title, height);
    for (double t : x.ticks()) {
      text(svg, x.at(t), height - BOTTOM + 16, "middle", label(t));
      format(svg, "<line x1='%.1f' x2='%.1f' y1='16' y2='%d' class='grid'/>", x.at(t), x.at(t), height - BOTTOM);
    }
    for (double t : y.ticks()) {
      text(svg, LEFT - 6, y.at(t) + 4, "end", label(t));
      format(svg, "<line x1='%d' x2='%d' y1='%.1f' y2='%.1f' class='grid'/>", LEFT, WIDTH - 190, y.at(t), y.at(t));
    }
    text(svg, (LEFT + WIDTH - 190) / 2.0, height - 8, "middle", xName);
    format(svg, "<text transform='translate(14 %d) rotate(-90)' text-anchor='middle'>%s</text>", height / 2 - 10,
        escape(yName));
    for (int i = 0; i < lines.size(); i++) {
      line(svg, lines.get(i), COLOURS.get(i % COLOURS.size()), x, y);
      format(svg, "<rect x='%d' y='%d' width='12' height='12' fill='%s'/>", WIDTH - 180, 16 + 20 * i,
          COLOURS.get(i % COLOURS.size()));
      text(svg, WIDTH - 163, 26 + 20 * i, "start", lines.get(i).name());
    }
    return svg.append("</svg>").toString();
  }

  private static void line(StringBuilder svg, Line l, String colour, Axis x, Axis y) {
    if (l.joined()) {
      svg.append("<polyline fill='none' stroke-width='2' stroke='").append(colour).append("' points='");
      l.dots().forEach(d -> format(svg, "%.1f,%.1f ", x.at(d.x()), y.at(d.y())));
      svg.append("'/>");
    }
    for (Dot d : l.dots()) {
      if (d.low() < d.high()) {
        format(svg, "<line x1='%.1f' x2='%.1f' y1='%.1f' y2='%.1f' stroke='%s' stroke-width='3' opacity='0.45'/>",
            x.at(d.x()), x.at(d.x()), y.at(d.low()), y.at(d.high()), colour);
      }
      String shape = l.joined() ? "<circle cx='%.1f' cy='%.1f' r='%d' fill='%s'><title>%s</title></circle>"
          : "<rect x='%.1f' y='%.1f' width='%d' height='9' fill='none' stroke-width='2' stroke='%s'>"
              + "<title>%s</title></rect>";
      double off = l.joined() ? 0 : 4.5;
      format(svg, shape, x.at(d.x()) - off, y.at(d.y()) - off, l.joined() ? d.strong() ? 7 : 3 : 9, colour,
          escape(d.title()));
    }
  }

  /// Bars side by side with one legend.
  static String bars(String title, String unit, List<String> parts, List<Bar> bars) {
    int height = 40 + 34 * bars.size() + 24 * ((parts.size() + 2) / 3) + 20;
    double most = bars.stream().mapToDouble(Bar::whole).max().orElse(1);
    var svg = new StringBuilder();
    open(svg, title, height);
    int left = 230;
    for (int b = 0; b < bars.size(); b++) {
      Bar bar = bars.get(b);
      int top = 12 + 34 * b;
      text(svg, left - 8, top + 16, "end", bar.name());
      double at = left;
      double sum = 0;
      for (int i = 0; i < bar.parts().length; i++) {
        double width = (WIDTH - left - 110) * bar.parts()[i] / most;
        sum += bar.parts()[i];
        format(svg, "<rect x='%.1f' y='%d' width='%.1f' height='22' fill='%s'><title>%s: %s %s</title></rect>", at, top,
            width, COLOURS.get(i % COLOURS.size()), escape(parts.get(i)), label(bar.parts()[i]), unit);
        at += width;
      }
      double end = left + (WIDTH - left - 110) * bar.whole() / most;
      format(svg, "<rect x='%d' y='%d' width='%.1f' height='22' fill='none' stroke='#555'/>", left, top, end - left);
      text(svg, end + 6, top + 16, "start", label(sum) + (sum < bar.whole() * 0.999 ? " of " + label(bar.whole()) : "")
          + " " + unit);
    }
    for (int i = 0; i < parts.size(); i++) {
      int top = 30 + 34 * bars.size() + 24 * (i / 3);
      format(svg, "<rect x='%d' y='%d' width='12' height='12' fill='%s'/>", left + 200 * (i % 3), top,
          COLOURS.get(i % COLOURS.size()));
      text(svg, left + 18 + 200 * (i % 3), top + 11, "start", parts.get(i));
    }
    return svg.append("</svg>").toString();
  }

  private static void open(StringBuilder svg, String title, int height) {
    format(svg, "<svg viewBox='0 0 %d %d' role='img' aria-label='%s'><title>%s</title>", WIDTH, height,
        escape(title), escape(title));
  }

  private static void text(StringBuilder svg, double x, double y, String anchor, String text) {
    format(svg, "<text x='%.1f' y='%.1f' text-anchor='%s'>%s</text>", x, y, anchor, escape(text));
  }

  /// Appends formatted text, numbers as they are everywhere.
  @SuppressWarnings("AnnotateFormatMethod") // formats are constants above
  public static void format(StringBuilder svg, String format, Object... args) {
    svg.append(String.format(Locale.ROOT, format, args));
  }

  /// Text for a page.
  public static String escape(String text) {
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("'", "&#39;")
        .replace("\"", "&quot;");
  }

  /// A number with three digits that matter.
  public static String label(double v) {
    double a = Math.abs(v);
    return a >= 1e6 ? String.format(Locale.ROOT, "%.1fM", v / 1e6)
        : a >= 10_000 ? String.format(Locale.ROOT, "%.0fk", v / 1e3)
        : a >= 100 ? String.format(Locale.ROOT, "%.0f", v)
        : a >= 10 ? String.format(Locale.ROOT, "%.1f", v) : String.format(Locale.ROOT, "%.2f", v);
  }

  private record Axis(double low, double high, double from, double to, boolean log) {
    double at(double v) {
      double share = log ? Math.log(Math.max(v, low) / low) / Math.log(high / low) : (v - low) / (high - low);
      return from + (to - from) * share;
    }

    List<Double> ticks() {
      var list = new java.util.ArrayList<Double>();
      if (log) {
        for (double p = Math.pow(10, Math.floor(Math.log10(low))); p <= high; p *= 10) {
          for (double f : new double[] {1, 2, 5}) {
            if (p * f >= low && p * f <= high) {
              list.add(p * f);
            }
          }
        }
        return list;
      }
      double step = Math.pow(10, Math.floor(Math.log10(high / 4)));
      step *= high / step > 20 ? 5 : high / step > 8 ? 2 : 1;
      for (double t = 0; t <= high; t += step) {
        list.add(t);
      }
      return list;
    }
  }
}
