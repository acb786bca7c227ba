package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;

/// One panel of block weights times a few rows of 8-bit activations, bound by the speed at which the weights arrive.
/// The function serves all matrices of a module that have the same format.
record BlockGemv(BlockCodes codes, int rows) {
  /// The largest number of rows for which reading the weights still costs more than the arithmetic.
  static final int ROWS_MAX = 4;

  private String name() {
    return "ds.gemv." + codes.format().name().toLowerCase(Locale.ROOT) + "x" + codes.lanes() + ".m" + rows;
  }

  /// Emits a call: `out[i, lane] = sum over k of rows[i][k] * panel[k, lane]`.
  ///
  /// @param rowPointers an array of pointers to rows as [dev.deepstack.codegen.tile.Int8Rows] lays them out
  /// @param chunks of the panel
  /// @param padded codes of a row, padding included
  void call(Fn f, String rowPointers, String panel, long chunks, long padded, String out) {
    if (f.module().first(name())) {
      define(f.module());
    }
    f.call("void", "@" + name(), rowPointers, panel, Long.toString(chunks), Long.toString(padded), out);
  }

  private void define(ModuleText module) {
    var f = module.outlined(name(), "void", "ptr noalias readonly rows", "ptr readonly panel", "i64 chunks",
        "i64 padded", "ptr noalias out");
    int lanes = codes.lanes();
    var x = new ArrayList<String>();
    for (int i = 0; i < rows; i++) {
      x.add(f.load("ptr", f.at("%rows", "ptr", i)));
    }
    String groups = f.div("%padded", codes.group());
    var sums = f.loop("0", "%chunks", 1, Collections.nCopies(rows, Vec.zero(f, "float", lanes)),
        (c, carried) -> chunk(f, x, c, groups, carried));
    for (int i = 0; i < rows; i++) {
      f.store(sums.get(i), f.at("%out", "float", (long) i * lanes), 4 * lanes);
    }
    f.end();
  }

  private List<String> chunk(Fn f, List<String> x, String c, String groups, List<String> before) {
    int bytes = codes.chunkBytes();
    String pointer = f.at("%panel", "i8", f.mul(c, bytes));
    var reader = RowReader.at(f, x, f.mul(c, codes.words().weights()), groups, codes.group());
    var sums = new ArrayList<>(before);
    // Only just ahead of what is read: then the hardware takes it for a stream and runs far ahead by itself. Asked for
    // more than a page ahead it comes in late, and memory that can do 60 GB/s gives two thirds of that.
    int count = codes.words().weights() / codes.group();
    for (int turn = 0; turn < count; turn++) {
      // Spread over the chunk: a burst would fill the queue of misses.
      int end = bytes * (turn + 1) / count & -64;
      for (int line = bytes * turn / count & -64; line < end; line += 64) {
        f.prefetch(f.byteAt(pointer, codes.headBytes() + line), 3);
      }
      BlockCodes.Group group = codes.group(f, pointer, codes.inOrder(turn));
      for (int i = 0; i < rows; i++) {
        sums.set(i, reader.fold(codes.lanes(), group, i, sums.get(i)));
      }
    }
    return sums;
  }

  /// Reads rows from a chunk's first k on.
  private record RowReader(Fn f, List<String> codes, List<String> scales, String groups, int group) {
    static RowReader at(Fn f, List<String> rows, String k, String groups, int group) {
      String first = f.div(k, group);
      return new RowReader(f, rows.stream().map(r -> f.at(r, "i8", k)).toList(),
          rows.stream().map(r -> f.at(f.at(r, "i8", "%padded"), "float", first)).toList(), groups, group);
    }

    String fold(int lanes, BlockCodes.Group g, int row, String sum) {
      String scale = f.at(scales.get(row), "float", g.k() / group);
      String dot = Vec.zero(f, "i32", lanes);
      for (int i = 0; i < g.codes().size(); i++) {
        String word = f.load("i32", f.byteAt(codes.get(row), g.k() + 4L * i));
        dot = Dot.add(f, dot, g.codes().get(i), word, lanes);
      }
      String factor = f.fmul(g.scale(), Vec.splat(f, f.load("float", scale), lanes));
      String total = f.fma(f.cast("sitofp", dot, "float"), factor, sum);
      // Two arrays behind the scales: past the integer sums lie those in f32.
      String scaledSum = f.load("float", f.at(scale, "float", f.mul(groups, 2)));
      return f.fma(f.fneg(g.minimum()), Vec.splat(f, scaledSum, lanes), total);
    }
  }
}
