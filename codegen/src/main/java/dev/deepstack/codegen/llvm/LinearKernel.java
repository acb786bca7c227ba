package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.IntConsumer;
import java.util.stream.Stream;

/// Generates matrix products with packed weights:
///
/// ```
/// void name(ptr x, i64 xStride, ptr w, i64 rows, [ptr list,] context..., i64 thread, i64 threads)
/// ```
///
/// `x` holds f32 rows `xStride` elements apart; `w` is a matrix in the form of [Packing] for the
/// target's lanes; `rows` is the number of result rows, any number from 0; `list` is there for
/// [Rows#LISTED_I32] and `LISTED_I64`. All `threads` threads call the function with their number,
/// each computes its share, and none waits for another. A few rows stream the weights once; many
/// rows use tiles. Up to 256 KiB of stack are used.
public final class LinearKernel {
  private final ModuleText module;
  private final LinearSpec spec;
  private final Epilogue epilogue;
  private final Packing packing;
  private final int lanes;
  private final WeightLine line;
  private final List<String> context;

  private LinearKernel(ModuleText module, LinearSpec spec, Epilogue epilogue) {
    this.module = module;
    this.spec = spec;
    this.epilogue = epilogue;
    lanes = module.lanes();
    packing = packing(spec, module.cpu());
    line = new WeightLine(spec.weights(), lanes);
    context = spec.context().stream().map(p -> "%" + p.substring(p.lastIndexOf(' ') + 1)).toList();
  }

  /// Adds the function to a module.
  public static void emit(ModuleText module, LinearSpec spec, Epilogue epilogue) {
    var kernel = new LinearKernel(module, spec, epilogue);
    kernel.finish();
    kernel.few();
    kernel.many();
    kernel.entry();
  }

  /// The form of the weights that the function for `spec` reads on `cpu`.
  public static Packing packing(LinearSpec spec, CpuTarget cpu) {
    return new Packing(spec.weights(), spec.n(), spec.k(), cpu.lanes());
  }

  private String[] parameters(String... more) {
    var fixed = Stream.of("ptr readonly x", "i64 xStride", "ptr readonly w", "i64 rows");
    var list = spec.rows() == Rows.ALL ? Stream.<String>empty() : Stream.of("ptr readonly list");
    return Stream.of(fixed, list, spec.context().stream(), Stream.of(more))
        .flatMap(s -> s)
        .toArray(String[]::new);
  }

  private void call(Fn f, String function, String... more) {
    var list = spec.rows() == Rows.ALL ? Stream.<String>empty() : Stream.of("%list");
    var arguments =
        Stream.of(
                Stream.of("%x", "%xStride", "%w", "%rows"), list, context.stream(), Stream.of(more))
            .flatMap(s -> s)
            .toArray(String[]::new);
    f.call("void", "@" + function, arguments);
  }

  /// Splits the work: by panels, or by rows where there are too few panels to share out evenly.
  private void entry() {
    var f = module.function(spec.name(), "void", parameters("i64 thread", "i64 threads"));
    var panels = Long.toString(packing.panels());
    var eight = f.mul("%threads", 8);
    var byRows = f.binary("and", f.icmp("sgt", eight, panels), f.icmp("sge", "%rows", eight));
    var next = f.add("%thread", 1);
    var row = f.select(byRows, share(f, "%rows", "%thread"), "0");
    var rowEnd = f.select(byRows, share(f, "%rows", next), "%rows");
    var panel = f.select(byRows, "0", share(f, panels, "%thread"));
    var panelEnd = f.select(byRows, panels, share(f, panels, next));
    var count = f.sub(rowEnd, row);
    f.when(
        f.icmp("sgt", count, "0"),
        () ->
            f.when(
                f.icmp("sle", count, Integer.toString(GemvCore.mostRows(lanes))),
                () -> call(f, spec.name() + ".few", row, rowEnd, panel, panelEnd),
                () -> call(f, spec.name() + ".many", row, rowEnd, panel, panelEnd)));
    f.end();
  }

  private static String share(Fn f, String total, String thread) {
    return f.binary("udiv", f.mul(total, thread), "%threads");
  }

  /// Hands the sums of some rows of one panel to the epilogue.
  private void finish() {
    var parameters =
        Stream.concat(
            Stream.of("ptr readonly sums", "i64 first", "i64 count", "i64 panel"),
            spec.context().stream());
    var f = module.internal(spec.name() + ".finish", "void", parameters.toArray(String[]::new));
    var column = f.mul("%panel", lanes);
    int rest = (int) (spec.n() % lanes);
    Runnable whole =
        () ->
            f.loop(
                "0",
                "%count",
                1,
                i -> {
                  var at = f.at("%sums", "float", f.mul(i, lanes));
                  epilogue.store(
                      f,
                      f.load(Fn.vector("float", lanes), at, 4 * lanes),
                      f.add("%first", i),
                      column,
                      lanes);
                });
    if (rest == 0) {
      whole.run();
    } else {
      f.when(
          f.icmp("slt", "%panel", Long.toString(packing.panels() - 1)),
          whole,
          () ->
              f.loop(
                  "0",
                  "%count",
                  1,
                  i ->
                      f.loop(
                          "0",
                          Integer.toString(rest),
                          1,
                          c -> {
                            var at = f.at("%sums", "float", f.add(f.mul(i, lanes), c));
                            epilogue.store(
                                f, f.load("float", at), f.add("%first", i), f.add(column, c), 1);
                          })));
    }
    f.end();
  }

  private void callFinish(Fn f, String sums, String first, String count, String panel) {
    var arguments =
        Stream.concat(Stream.of(sums, first, count, panel), context.stream())
            .toArray(String[]::new);
    f.call("void", "@" + spec.name() + ".finish", arguments);
  }

  /// Fills `pointers` with the addresses of `count` rows of x from `first` on.
  private void rowPointers(Fn f, String pointers, String first, String count) {
    f.loop(
        "0",
        count,
        1,
        i -> {
          var row = f.add(first, i);
          var source =
              switch (spec.rows()) {
                case ALL -> row;
                case LISTED_I32 -> f.cast("sext", f.load("i32", f.at("%list", "i32", row)), "i64");
                case LISTED_I64 -> f.load("i64", f.at("%list", "i64", row));
              };
          f.store(f.at("%x", "float", f.mul(source, "%xStride")), f.at(pointers, "ptr", i));
        });
  }

  private String panelAt(Fn f, String panel) {
    return f.at("%w", "i8", f.mul(panel, packing.panelBytes()));
  }

  /// A few rows: each panel is read once, for all of them.
  private void few() {
    var f =
        module.outlined(
            spec.name() + ".few",
            "void",
            parameters("i64 row", "i64 rowEnd", "i64 panel", "i64 panelEnd"));
    int most = GemvCore.mostRows(lanes);
    var pointers = f.local("ptr", most);
    var sums = f.local("float", (long) most * lanes);
    var count = f.sub("%rowEnd", "%row");
    rowPointers(f, pointers, "%row", count);
    f.loop(
        "%panel",
        "%panelEnd",
        1,
        p -> {
          var panel = panelAt(f, p);
          oneOf(
              f,
              count,
              1,
              most,
              m -> new GemvCore(line, m).call(f, pointers, panel, Long.toString(spec.k()), sums));
          callFinish(f, sums, "%row", count, p);
        });
    f.end();
  }

  /// Runs the code for that constant between `low` and `high` that equals `value`.
  private static void oneOf(Fn f, String value, int low, int high, IntConsumer code) {
    if (low == high) {
      code.accept(low);
    } else {
      f.when(
          f.icmp("eq", value, Integer.toString(low)),
          () -> code.accept(low),
          () -> oneOf(f, value, low + 1, high, code));
    }
  }

  private void many() {
    var f =
        module.outlined(
            spec.name() + ".many",
            "void",
            parameters("i64 row", "i64 rowEnd", "i64 panel", "i64 panelEnd"));
    new Tiles(f).emit();
    f.end();
  }

  /// Many rows. For a block of rows and a group of panels, slab by slab: copy the block of x to
  /// where its rows do not collide in the cache, then tile by tile; the sums wait in memory
  /// between slabs.
  private final class Tiles {
    private static final int SLAB = Tuning.SLAB;
    private static final int BLOCK = Tuning.BLOCK_ROWS;
    private static final int GROUP = 2 * Tuning.GROUP_PAIRS;

    private final Fn f;
    private final int tileRows = GemmCore.mostRows(lanes);
    private final long bytesPerK = line.bytes() / line.depth();
    private final String pointers;
    private final String block;
    private final String sums;
    private final String unpacked;

    Tiles(Fn f) {
      this.f = f;
      pointers = f.local("ptr", BLOCK);
      block = f.local("float", (long) BLOCK * SLAB);
      sums = f.local("float", (long) GROUP * BLOCK * lanes);
      unpacked = spec.weights() == DType.F32 ? "" : f.local("float", 2L * SLAB * lanes);
    }

    void emit() {
      f.loop(
          "%row",
          "%rowEnd",
          BLOCK,
          row -> {
            var count = f.min(f.sub("%rowEnd", row), Integer.toString(BLOCK));
            rowPointers(f, pointers, row, count);
            f.loop(
                "%panel",
                "%panelEnd",
                GROUP,
                first -> {
                  var end = f.min(f.add(first, GROUP), "%panelEnd");
                  clear(f.sub(end, first));
                  f.loop("0", Long.toString(spec.k()), SLAB, k -> slab(k, count, first, end));
                  f.loop(
                      first,
                      end,
                      1,
                      p -> callFinish(f, sumsOf(f.sub(p, first), "0"), row, count, p));
                });
          });
    }

    private String sumsOf(String slot, String row) {
      return f.at(sums, "float", f.mul(f.add(f.mul(slot, BLOCK), row), lanes));
    }

    private void clear(String slots) {
      var zero = Vec.zero(f, "float", lanes);
      f.loop(
          "0",
          f.mul(slots, (long) BLOCK * lanes),
          lanes,
          i -> f.store(zero, f.at(sums, "float", i), 4 * lanes));
    }

    private void slab(String k, String count, String first, String end) {
      var depth = f.min(f.sub(Long.toString(spec.k()), k), Integer.toString(SLAB));
      copyBlock(k, depth, count);
      f.loop(
          first,
          end,
          2,
          p -> {
            // With an odd number of panels the last one is computed twice; the second result goes
            // where nobody looks.
            var second = f.min(f.add(p, 1), f.sub(end, "1"));
            var inSlab = f.mul(k, bytesPerK);
            var b =
                List.of(f.at(panelAt(f, p), "i8", inSlab), f.at(panelAt(f, second), "i8", inSlab));
            var following =
                f.select(
                    f.icmp("slt", f.add(p, 2), end),
                    f.at(panelAt(f, f.add(p, 2)), "i8", inSlab),
                    f.at(panelAt(f, first), "i8", f.mul(f.add(k, SLAB), bytesPerK)));
            pair(unpack(b, depth), depth, count, f.sub(p, first), following);
          });
    }

    private void copyBlock(String k, String depth, String count) {
      f.loop(
          "0",
          count,
          1,
          i -> {
            var from = f.at(f.load("ptr", f.at(pointers, "ptr", i)), "float", k);
            var to = f.at(block, "float", f.mul(i, SLAB));
            var whole = f.binary("and", depth, Integer.toString(-lanes));
            f.loop(
                "0",
                whole,
                lanes,
                j ->
                    f.store(
                        f.load(Fn.vector("float", lanes), f.at(from, "float", j)),
                        f.at(to, "float", j)));
            f.loop(
                whole,
                depth,
                1,
                j -> f.store(f.load("float", f.at(from, "float", j)), f.at(to, "float", j)));
          });
    }

    /// 16-bit weights become f32 once per slab and are then used by all rows of the block.
    private List<String> unpack(List<String> panels, String depth) {
      if (spec.weights() == DType.F32) {
        return panels;
      }
      var lines = f.binary("lshr", f.add(depth, 1), "1");
      var out = new ArrayList<String>();
      for (String panel : panels) {
        var to = f.at(unpacked, "float", (long) out.size() * SLAB * lanes);
        f.loop(
            "0",
            lines,
            1,
            i -> {
              var weights = line.load(f, f.at(panel, "i8", f.mul(i, line.bytes())));
              var at = f.at(to, "float", f.mul(i, 2L * lanes));
              f.store(weights.get(0), at, 4 * lanes);
              f.store(weights.get(1), f.at(at, "float", lanes), 4 * lanes);
            });
        out.add(to);
      }
      return out;
    }

    private void pair(List<String> b, String depth, String count, String slot, String following) {
      f.loop(
          "0",
          count,
          tileRows,
          i -> {
            var x = f.at(block, "float", f.mul(i, SLAB));
            var c0 = sumsOf(slot, i);
            var c1 = f.at(c0, "float", (long) BLOCK * lanes);
            var ahead = ahead(i, following);
            var left = f.min(f.sub(count, i), Integer.toString(tileRows));
            oneOf(
                f,
                f.sub(Integer.toString(tileRows), left),
                0,
                tileRows - 1,
                missing ->
                    new GemmCore(lanes, tileRows - missing)
                        .call(f, x, b.get(0), b.get(1), depth, c0, c1, ahead));
          });
    }

    /// Each tile fetches its part of the weights that come next, first those of one panel, then
    /// of the other.
    private String ahead(String row, String following) {
      var offset = f.mul(f.div(row, tileRows), SLAB * 16L);
      long slabBytes = SLAB * bytesPerK;
      var inFirst = f.icmp("slt", offset, Long.toString(slabBytes));
      return f.at(
          following,
          "i8",
          f.select(inFirst, offset, f.add(offset, packing.panelBytes() - slabBytes)));
    }
  }
}
