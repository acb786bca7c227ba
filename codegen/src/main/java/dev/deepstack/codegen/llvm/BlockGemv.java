package dev.deepstack.codegen.llvm;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/// One panel of block weights times a few rows of 8-bit activations, bound by the speed at which the weights arrive.
/// The function serves all matrices of a module that have the same format.
record BlockGemv(BlockCodes codes, int rows) {
  /// The largest number of rows for which reading the weights still costs more than the arithmetic.
  static final int ROWS_MAX = 4;

  private String name() {
    return "ds.gemv." + codes.format().name().toLowerCase(java.util.Locale.ROOT) + "x" + codes.lanes() + ".m" + rows;
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
    var f = module.outlined(name(), "void", "ptr noalias readonly rows", "ptr noalias readonly panel", "i64 chunks",
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
    String k = f.mul(c, codes.words().weights());
    var reader = new RowReader(f, x, k, groups, codes.group());
    var sums = new ArrayList<>(before);
    int groupsOfChunk = codes.words().weights() / codes.group();
    codes.groups(f, pointer, group -> {
      // Spread over the chunk: a burst would fill the queue of misses.
      int number = group.k() / codes.group();
      int end = bytes * (number + 1) / groupsOfChunk & -64;
      for (int line = bytes * number / groupsOfChunk & -64; line < end; line += 64) {
        f.prefetch(f.byteAt(pointer, Tuning.BLOCK_PREFETCH_BYTES + line), 2);
      }
      for (int i = 0; i < rows; i++) {
        sums.set(i, reader.fold(codes, group, i, sums.get(i)));
      }
    });
    return sums;
  }

  /// Reads what lies beside the codes of rows.
  private record RowReader(Fn f, List<String> codes, List<String> scales, String groups, int group) {
    RowReader(Fn f, List<String> rows, String k, String groups, int group) {
      String first = f.div(k, group);
      this(f, rows.stream().map(r -> f.at(r, "i8", k)).toList(),
          rows.stream().map(r -> f.at(f.at(r, "i8", "%padded"), "float", first)).toList(), groups, group);
    }

    String fold(BlockCodes format, BlockCodes.Group g, int row, String sum) {
      int lanes = format.lanes();
      int place = g.k() / group;
      String scale = f.at(scales.get(row), "float", place);
      String sumAt = f.at(scale, "i32", groups);
      String dot = Vec.zero(f, "i32", lanes);
      for (int i = 0; i < g.codes().size(); i++) {
        String word = f.load("i32", f.byteAt(codes.get(row), g.k() + 4L * i));
        dot = Dot.add(f, dot, g.codes().get(i), word, lanes);
      }
      String factor = f.fmul(g.scale(), Vec.splat(f, f.load("float", scale), lanes));
      String total = f.fma(f.cast("sitofp", dot, "float"), factor, sum);
      String scaledSum = Vec.splat(f, f.load("float", f.at(sumAt, "i32", groups)), lanes);
      return f.fma(f.fneg(g.minimum()), scaledSum, total);
    }
  }
}
