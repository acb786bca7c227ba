package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.List;

/// The inner part of the matrix product for many rows: a tile of rows times two panels, all sums
/// in registers. A unit of `x` and of a row of the weights is one f32 number or a pair of bf16 numbers, whose
/// products a single instruction adds up.
///
/// @param stride units from one row of `x` to the next
/// @param adds whether the sums go on from what is there
record GemmCore(int lanes, int rows, boolean pairs, long stride, boolean adds) {
  private static final int PANELS = 2;
  private static final int UNROLL = 4;

  /// For an `x` that has been copied so that its rows are [Tuning#SLAB] apart.
  GemmCore(int lanes, int rows, boolean pairs) {
    this(lanes, rows, pairs, Tuning.SLAB, true);
  }

  /// Rows of a full tile: as many as leave registers for two lines of weights and a factor.
  static int mostRows(int lanes) {
    return lanes >= 16 ? 8 : 6;
  }

  private String name() {
    return "ds.tile." + (pairs ? "bf16x" : "f32x") + lanes + ".m" + rows
        + (stride == Tuning.SLAB ? "" : ".s" + stride) + (adds ? "" : ".new");
  }

  /// Emits a call: adds to (or stores in) `c0[i, lane]` and `c1[i, lane]` the sums over `k` units of `x[i, k]` times
  /// `b0[k, lane]` and `b1[k, lane]`, and fetches memory from `ahead` on into L2 meanwhile.
  void call(Fn f, String x, String b0, String b1, String k, String c0, String c1, String ahead) {
    if (f.module().first(name())) {
      define(f.module());
    }
    f.call("void", "@" + name(), x, b0, b1, k, c0, c1, ahead);
  }

  private void define(ModuleText module) {
    var f =
        module.outlined(
            name(),
            "void",
            "ptr noalias readonly x",
            "ptr readonly b0",
            "ptr readonly b1",
            "i64 k",
            "ptr noalias c0",
            "ptr noalias c1",
            "ptr ahead");
    var first = new ArrayList<String>();
    for (int i = 0; i < rows * PANELS; i++) {
      first.add(adds ? f.load(Fn.vector("float", lanes), at(f, i), 4 * lanes) : Vec.zero(f, "float", lanes));
    }
    var whole = f.binary("and", "%k", Integer.toString(-UNROLL));
    var sum =
        f.loop(
            "0",
            whole,
            UNROLL,
            first,
            (k, carried) -> {
              f.prefetch(f.at("%ahead", "i8", f.mul(k, 64 / UNROLL)), 2);
              return steps(f, k, carried, UNROLL);
            });
    sum = f.loop(whole, "%k", 1, sum, (k, carried) -> steps(f, k, carried, 1));
    for (int i = 0; i < rows * PANELS; i++) {
      f.store(sum.get(i), at(f, i), 4 * lanes);
    }
    f.end();
  }

  private String at(Fn f, int i) {
    return f.at(i % PANELS == 0 ? "%c0" : "%c1", "float", (long) (i / PANELS) * lanes);
  }

  private List<String> steps(Fn f, String k, List<String> before, int count) {
    var sum = new ArrayList<>(before);
    var x = f.at("%x", "float", k);
    var offset = f.mul(k, lanes);
    var b = List.of(f.at("%b0", "float", offset), f.at("%b1", "float", offset));
    var unit = pairs ? "i32" : "float";
    for (int u = 0; u < count; u++) {
      var weights = new ArrayList<String>();
      for (String panel : b) {
        weights.add(
            f.load(Fn.vector(unit, lanes), f.at(panel, "float", (long) u * lanes), 4 * lanes));
      }
      for (int i = 0; i < rows; i++) {
        var factor =
            Vec.splat(f, f.load(unit, f.at(x, "float", i * stride + u)), lanes);
        for (int p = 0; p < PANELS; p++) {
          int n = i * PANELS + p;
          sum.set(n, pairs ? Dot.addPairs(f, sum.get(n), weights.get(p), factor)
              : f.fma(weights.get(p), factor, sum.get(n)));
        }
      }
    }
    return sum;
  }
}
