package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;

/// Weights with one scale for each tile: instead of every weight, x is scaled, once for all rows of a tile. Each
/// product is rounded as if the weight had been scaled.
record TileScaling(LinearSpec.Tiles tiles, int lanes) {
  /// Columns of x that are scaled at once for a few rows.
  private static final int STEP = 4096;

  /// Half of what the weights of 8-bit floats are shifted by: x takes one half, so that it stays within f32, and the
  /// sums the other.
  private static final float HALF_SHIFT = (float) Math.scalb(1.0, WeightLine.SHIFT / 2);

  /// Whole tiles, `most` columns or less.
  int step(int most) {
    return most / tiles.columns() * tiles.columns();
  }

  /// Panels that share their scales.
  int panels() {
    return tiles.rows() / lanes;
  }

  /// Columns `k` to `k + depth` of one row of x, at `from`, times the scales of the panel's tiles. `k` begins a tile.
  void scale(Fn f, String from, String to, String k, String depth, String panel) {
    scale(f, from, to, k, depth, panel, 1);
  }

  private void scale(Fn f, String from, String to, String k, String depth, String panel, float factor) {
    var scales = f.at("%scales", "float", f.add(f.mul(f.div(panel, panels()), tiles.stride()),
        f.div(k, tiles.columns())));
    f.loop("0", depth, tiles.columns(), c -> {
      var scale = f.fmul(f.load("float", f.at(scales, "float", f.div(c, tiles.columns()))), Fn.f32(factor));
      var end = f.min(f.add(c, tiles.columns()), depth);
      Vec.over(f, c, end, lanes, (j, count) -> {
        var x = f.load(Fn.vector("float", count), f.at(from, "float", j));
        f.store(f.fmul(x, Vec.splat(f, scale, count)), f.at(to, "float", j));
      });
    });
  }

  /// The sums of a few rows and one panel.
  ///
  /// @param most rows there may be
  void few(LinearKernel kernel, Fn f, String pointers, String count, String panel, String sums, Scratch scratch) {
    int most = scratch.rows;
    boolean shifted = kernel.spec.weights() == DType.F8E4M3;
    float half = shifted ? HALF_SHIFT : 1;
    var line = new WeightLine(kernel.spec.weights(), lanes);
    var zero = Vec.zero(f, "float", lanes);
    f.loop("0", count, 1, i -> f.store(zero, f.at(sums, "float", f.mul(i, lanes)), 4 * lanes));
    f.loop("0", Long.toString(kernel.spec.k()), step(STEP), k -> {
      var depth = f.min(f.sub(Long.toString(kernel.spec.k()), k), Integer.toString(step(STEP)));
      f.loop("0", count, 1, i -> scale(f, f.at(f.load("ptr", f.at(pointers, "ptr", i)), "float", k),
          f.at(scratch.x, "float", f.mul(i, STEP)), k, depth, panel, half));
      var weights = f.at(kernel.panelAt(f, panel), "i8", f.mul(k, line.bytes() / line.depth()));
      LinearKernel.oneOf(f, count, 1, most,
          m -> new GemvCore(line, m, shifted).call(f, scratch.pointers, weights, depth, scratch.part));
      f.loop("0", count, 1, i -> {
        var to = f.at(sums, "float", f.mul(i, lanes));
        var type = Fn.vector("float", lanes);
        var part = f.load(type, f.at(scratch.part, "float", f.mul(i, lanes)), 4 * lanes);
        var factor = Vec.splatConstant(f, "float", FnText.bare(Fn.f32(half)), lanes);
        f.store(f.fma(part, factor, f.load(type, to, 4 * lanes)), to, 4 * lanes);
      });
    });
  }

  /// Local memory for a few rows: of scaled x, pointers to its rows, and sums of a step.
  record Scratch(int rows, String x, String pointers, String part) {
    static Scratch of(Fn f, int rows, int lanes) {
      var x = f.local("float", (long) rows * STEP);
      var pointers = f.local("ptr", rows);
      for (int i = 0; i < rows; i++) {
        f.store(f.at(x, "float", (long) i * STEP), f.at(pointers, "ptr", i));
      }
      return new Scratch(rows, x, pointers, f.local("float", (long) rows * lanes));
    }
  }
}
