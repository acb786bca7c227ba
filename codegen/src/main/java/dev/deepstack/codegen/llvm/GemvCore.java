package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// One panel of weights times a few rows, bound by the speed at which the weights arrive: each
/// line is read once, for all rows, well ahead of its use. The function serves all matrices of a
/// module that have the same format.
///
/// @param shifted whether weights are taken times 2 to the power of -[WeightLine#SHIFT], and so are the results: 8-bit
///     floats only
record GemvCore(WeightLine line, int rows, boolean shifted) {
  private static final int UNROLL = 8;

  /// The largest number of rows for which reading the weights still costs more than the
  /// arithmetic.
  static int mostRows(int lanes) {
    return lanes >= 16 ? 6 : 4;
  }

  private String name() {
    return "ds.gemv." + line.suffix() + (shifted ? ".shifted" : "") + ".m" + rows;
  }

  /// Emits a call: `out[i, lane] = sum over k of rows[i][k] * panel[k, lane]`. `rowPointers` is
  /// an array of pointers.
  void call(Fn f, String rowPointers, String panel, String k, String out) {
    if (f.module().first(name())) {
      define(f.module());
    }
    f.call("void", "@" + name(), rowPointers, panel, k, out);
  }

  private void define(ModuleText module) {
    var f =
        module.outlined(
            name(),
            "void",
            "ptr noalias readonly rows",
            "ptr noalias readonly panel",
            "i64 k",
            "ptr noalias out");
    var x = new ArrayList<String>();
    for (int i = 0; i < rows; i++) {
      x.add(f.load("ptr", f.at("%rows", "ptr", i)));
    }
    int depth = line.depth();
    int ways = ways();
    int sums = Math.max(1, 8 / (rows * ways));
    int step = depth * UNROLL;
    var whole = f.binary("and", "%k", Integer.toString(-step));
    var sum =
        f.loop(
            "0",
            whole,
            step,
            first(f, rows * sums * ways),
            (k, carried) -> lines(f, x, k, carried, UNROLL, sums));
    var even = f.binary("and", "%k", Integer.toString(-depth));
    sum = f.loop(whole, even, depth, sum, (k, carried) -> lines(f, x, k, carried, 1, sums));
    sum = depth > 1 ? lastPart(f, x, even, sum) : sum;
    for (int i = 0; i < rows; i++) {
      var total = sum.get(i);
      for (int s = 1; s < sums * ways; s++) {
        total = f.fadd(total, sum.get(s * rows + i));
      }
      total = shifted ? line.checked(f, total, sum.getLast()) : total;
      f.store(total, f.at("%out", "float", (long) i * line.lanes()), 4 * line.lanes());
    }
    f.end();
  }

  /// The sums, and behind them the highest magnitude where weights are shifted.
  private List<String> first(Fn f, int sums) {
    var zero = Vec.zero(f, "float", line.lanes());
    var all = new ArrayList<>(Collections.nCopies(sums, zero));
    if (shifted) {
      all.add(Vec.zero(f, "i8", 4 * line.lanes()));
    }
    return all;
  }

  /// The weights of a line.
  private List<String> load(Fn f, String at, List<String> sum) {
    if (!shifted) {
      return line.load(f, at);
    }
    var units = f.load(Fn.vector("i32", line.lanes()), at, line.bytes());
    sum.set(sum.size() - 1, line.highest(f, sum.getLast(), units));
    return line.shifted(f, units);
  }

  /// Sums that a line adds to: with more, the registers would not do.
  private int ways() {
    return Math.min(line.depth(), 2);
  }

  /// Sum s of row i and of position d within a line is number (s * ways + d % ways) * rows + i.
  private List<String> lines(
      Fn f, List<String> x, String k, List<String> before, int count, int sums) {
    var sum = new ArrayList<>(before);
    var pointer = address(f, k);
    for (int u = 0; u < count; u++) {
      var at = f.byteAt(pointer, (long) u * line.bytes());
      if (u * line.bytes() % 64 == 0) {
        // The hardware stops at page ends and looks ahead too little when a line takes many
        // instructions.
        f.prefetch(f.byteAt(at, shifted ? Tuning.PREFETCH_BYTES_FLOAT8 : Tuning.PREFETCH_BYTES), 2);
      }
      var weights = load(f, at, sum);
      for (int d = 0; d < line.depth(); d++) {
        for (int i = 0; i < rows; i++) {
          var factor =
              f.load(
                  "float", f.at(f.at(x.get(i), "float", k), "float", (long) u * line.depth() + d));
          int n = (u % sums * ways() + d % ways()) * rows + i;
          sum.set(n, f.fma(weights.get(d), Vec.splat(f, factor, line.lanes()), sum.get(n)));
        }
      }
    }
    return sum;
  }

  /// The line that k ends in: weights beyond are zero, and x has nothing there.
  private List<String> lastPart(Fn f, List<String> x, String k, List<String> before) {
    return f.loop(
        k,
        "%k",
        line.depth(),
        before,
        (at, carried) -> {
          var sum = new ArrayList<>(carried);
          var weights = load(f, address(f, at), sum);
          for (int d = 0; d < line.depth() - 1; d++) {
            var there = f.icmp("slt", f.add(at, d), "%k");
            var place = f.min(f.add(at, d), f.sub("%k", "1"));
            for (int i = 0; i < rows; i++) {
              var value = f.load("float", f.at(x.get(i), "float", place));
              var factor = Vec.splat(f, d == 0 ? value : f.select(there, value, Fn.f32(0)), line.lanes());
              sum.set(i, f.fma(weights.get(d), factor, sum.get(i)));
            }
          }
          return sum;
        });
  }

  private String address(Fn f, String k) {
    return f.at("%panel", "i8", f.mul(k, line.bytes() / line.depth()));
  }
}
