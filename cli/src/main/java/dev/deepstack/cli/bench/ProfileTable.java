package dev.deepstack.cli.bench;

import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;

/// A profile for people and for machines.
public final class ProfileTable {
  private static final int NOTE_MAX = 60;

  private ProfileTable() {}

  /// One line for each function, the slowest first.
  public static String text(Profile p) {
    var text = new StringBuilder();
    text.append(String.format(Locale.ROOT, "%d kernels in %d functions for %s, %d %s%s%n", p.kernels().size(),
        p.groups().size(), p.program().cpu(), p.threads(), p.threads() == 1 ? "thread" : "threads",
        p.sizes().isEmpty() ? "" : ", sizes " + p.sizes()));
    text.append(String.format(Locale.ROOT,
        "a step takes %.3f ms, median of %d; with a clock and a barrier at each kernel %.3f ms, kernels %.3f ms%n",
        p.step() * 1e3, p.repeats(), p.clockedStep() * 1e3, p.total() * 1e3));
    text.append(String.format(Locale.ROOT,
        "memory is read at %.1f GB/s, multiply-adds come to %.0f GFLOP/s, both measured beside it%n%n",
        p.bandwidth() / 1e9, p.peak() / 1e9));
    text.append(String.format("%9s %6s %5s  %-18s %8s %8s  %-10s %8s  %s%n", "ms", "share", "times", "function",
        "GB/s", "GFLOP/s", "bound by", "reached", "computes"));
    for (Profile.Group g : p.groups()) {
      Profile.Bound bound = p.bound(g.bytes(), g.flops(), g.rows().size());
      text.append(String.format(Locale.ROOT, "%9.4f %4.1f %% %5d  %-18s %8.1f %8.1f  %-10s %6.0f %%  %s%n",
          g.seconds() * 1e3, 100 * g.seconds() / p.total(), g.rows().size(), g.function(),
          g.bytes() / g.seconds() / 1e9, g.flops() / g.seconds() / 1e9, word(bound),
          100 * p.limit(g.bytes(), g.flops()) / g.seconds(),
          cut(g.first().note())));
    }
    text.append("\nBytes and operations are the compiler's estimates. More than 100 % of memory is reached by what a "
        + "cache holds.\n");
    return text.toString();
  }

  /// What binds, in a word.
  public static String word(Profile.Bound bound) {
    return switch (bound) {
      case MEMORY -> "memory";
      case ARITHMETIC -> "arithmetic";
      case CALL -> "the call";
    };
  }

  private static String cut(String note) {
    return note.length() <= NOTE_MAX ? note : note.substring(0, NOTE_MAX - 1) + "…";
  }

  /// The same with every kernel.
  public static Map<String, Object> json(Profile p) {
    var json = new LinkedHashMap<String, Object>();
    json.put("cpu", p.program().cpu());
    json.put("threads", p.threads());
    json.put("sizes", p.sizes());
    json.put("kernels", p.kernels().size());
    json.put("functions", p.groups().size());
    json.put("repeats", p.repeats());
    json.put("step_ms", p.step() * 1e3);
    json.put("clocked_step_ms", p.clockedStep() * 1e3);
    json.put("kernels_ms", p.total() * 1e3);
    json.put("read_gb_s", p.bandwidth() / 1e9);
    json.put("fma_gflop_s", p.peak() / 1e9);
    json.put("rows", p.kernels().stream().map(row -> row(p, row)).toList());
    return json;
  }

  private static Map<String, Object> row(Profile p, Profile.Row row) {
    var json = new LinkedHashMap<String, Object>();
    json.put("kind", row.kernel().kind());
    json.put("function", row.kernel().function());
    json.put("computes", row.kernel().note());
    json.put("ms", row.seconds() * 1e3);
    json.put("share", row.seconds() / p.total());
    json.put("bytes", row.bytes());
    json.put("flops", row.flops());
    json.put("share_of_bandwidth", row.bytes() / row.seconds() / p.bandwidth());
    json.put("share_of_peak", row.flops() / row.seconds() / p.peak());
    json.put("bound", word(p.bound(row.bytes(), row.flops(), 1)));
    return json;
  }
}
