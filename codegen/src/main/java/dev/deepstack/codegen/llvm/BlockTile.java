package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// The inner part of the product of many rows with block weights: a tile of rows times two panels over one slab, the
/// sums of a group in integers, those of the slab in f32. Weights have been read into lines of unsigned codes with a
/// scale (and a minimum) per group, rows of x into one block.
///
/// @param group weights that share a scale
/// @param hasMinimum whether weights have a minimum of their own; otherwise the integer sums begin with what the codes
///     have too much
record BlockTile(int lanes, int group, boolean hasMinimum, int rows) {
  private static final int PANELS = 2;
  /// Length of a slab: the longest chunk.
  static final int SLAB = 256;

  /// Rows of a full tile: integer and f32 sums of two panels share the registers.
  static int mostRows(int lanes) {
    return lanes >= 16 ? 6 : 2;
  }

  /// Bytes of a panel's slab as codes.
  static int codeBytes(int lanes) {
    return SLAB * lanes;
  }

  int groups() {
    return SLAB / group;
  }

  /// Bytes from row to row of the block of x: codes, scales, sums, scaled sums.
  int rowBytes() {
    return (SLAB + 12 * groups() + 63) / 64 * 64;
  }

  private String name() {
    return "ds.tile.i8x" + lanes + ".g" + group + (hasMinimum ? "m" : "") + ".m" + rows;
  }

  /// The weights of two panels for a slab.
  ///
  /// @param codes `[SLAB / 4][lanes]` words
  /// @param scales `[groups][lanes]` f32; minimums likewise
  record Unpacked(List<String> codes, List<String> scales, List<String> minimums) {}

  /// Emits a call: adds to `c0[i, lane]` and `c1[i, lane]` the sums over the slab's first `count` groups, and fetches
  /// memory from `ahead` on into L2 meanwhile.
  void call(Fn f, String x, Unpacked w, String count, String c0, String c1, String ahead) {
    if (f.module().first(name())) {
      define(f.module());
    }
    f.call("void", "@" + name(), x, w.codes.get(0), w.codes.get(1), w.scales.get(0), w.scales.get(1),
        w.minimums.get(0), w.minimums.get(1), count, Integer.toString(group / 4), c0, c1, ahead);
  }

  private void define(ModuleText module) {
    var f = module.outlined(name(), "void", "ptr noalias readonly x", "ptr readonly w0", "ptr readonly w1",
        "ptr readonly s0", "ptr readonly s1", "ptr readonly o0", "ptr readonly o1", "i64 count", "i64 lines",
        "ptr noalias c0", "ptr noalias c1", "ptr ahead");
    var first = new ArrayList<String>();
    for (int i = 0; i < rows * PANELS; i++) {
      first.add(f.load(Fn.vector("float", lanes), at(f, i), 4 * lanes));
    }
    var sums = f.loop("0", "%count", 1, first, (g, carried) -> group(f, g, carried));
    for (int i = 0; i < rows * PANELS; i++) {
      f.store(sums.get(i), at(f, i), 4 * lanes);
    }
    f.end();
  }

  private String at(Fn f, int i) {
    return f.at(i % PANELS == 0 ? "%c0" : "%c1", "float", (long) (i / PANELS) * lanes);
  }

  private List<String> group(Fn f, String g, List<String> before) {
    f.prefetch(f.at("%ahead", "i8", f.mul(g, 64)), 2);
    String x = f.at("%x", "i8", f.mul(g, group));
    String meta = f.at(f.byteAt("%x", SLAB), "i32", g);
    String first = f.mul(g, group / 4);
    // A loop whose length the compiler does not know: unrolled, it would keep x in memory instead of the sums in
    // registers.
    var dots = f.loop("0", "%lines", 1, start(f, meta), (line, carried) ->
        line(f, x, f.add(first, line), line, carried));
    return fold(f, g, meta, dots, before);
  }

  private List<String> start(Fn f, String meta) {
    if (hasMinimum) {
      return Collections.nCopies(rows * PANELS, Vec.zero(f, "i32", lanes));
    }
    var start = new ArrayList<String>();
    for (int i = 0; i < rows; i++) {
      String excess = f.load("i32", f.byteAt(meta, (long) i * rowBytes() + 4L * groups()));
      start.addAll(Collections.nCopies(PANELS, Vec.splat(f, excess, lanes)));
    }
    return start;
  }

  private List<String> line(Fn f, String x, String number, String line, List<String> before) {
    var dots = new ArrayList<>(before);
    String at = f.mul(number, lanes);
    var weights = new ArrayList<String>();
    for (int p = 0; p < PANELS; p++) {
      weights.add(f.load(Fn.vector("i32", lanes), f.at("%w" + p, "i32", at), 4 * lanes));
    }
    String words = f.at(x, "i32", line);
    for (int i = 0; i < rows; i++) {
      String word = f.load("i32", f.byteAt(words, (long) i * rowBytes()));
      for (int p = 0; p < PANELS; p++) {
        int n = i * PANELS + p;
        dots.set(n, Dot.add(f, dots.get(n), weights.get(p), word, lanes));
      }
    }
    return dots;
  }

  private List<String> fold(Fn f, String g, String meta, List<String> dots, List<String> before) {
    var sums = new ArrayList<>(before);
    String place = f.mul(g, lanes);
    for (int p = 0; p < PANELS; p++) {
      String weightScale = f.load(Fn.vector("float", lanes), f.at("%s" + p, "float", place), 4 * lanes);
      String minimum = hasMinimum
          ? f.load(Fn.vector("float", lanes), f.at("%o" + p, "float", place), 4 * lanes) : "";
      for (int i = 0; i < rows; i++) {
        int n = i * PANELS + p;
        String scale = Vec.splat(f, f.load("float", f.byteAt(meta, (long) i * rowBytes())), lanes);
        String sum = f.fma(f.cast("sitofp", dots.get(n), "float"), f.fmul(weightScale, scale), sums.get(n));
        if (hasMinimum) {
          String scaledSum = f.load("float", f.byteAt(meta, (long) i * rowBytes() + 8L * groups()));
          sum = f.fma(minimum, Vec.splat(f, scaledSum, lanes), sum);
        }
        sums.set(n, sum);
      }
    }
    return sums;
  }
}
