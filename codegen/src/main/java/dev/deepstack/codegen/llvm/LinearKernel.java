package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.codegen.tile.Int8Rows;
import dev.deepstack.program.weight.BlockPacking;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.weight.PanelLayout;
import dev.deepstack.tensor.DType;
import java.util.List;
import java.util.function.Function;
import java.util.function.IntConsumer;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Generates matrix products with packed weights:
///
/// ```
/// void name(ptr x, i64 xStride, ptr w, i64 rows, [ptr list,] [ptr scales,] context...,
///     ptr claims, i64 thread, i64 threads)
/// ```
///
/// `x` holds f32 rows `xStride` elements apart, or for block weights rows as [Int8Rows] lays them out, `xStride` bytes
/// apart; `w` is a matrix in the form of [PanelLayout] for the target's lanes; `rows` is the number of result rows, any
/// number from 0; `list` is there for [Rows#LISTED_I32] and `LISTED_I64`. All `threads` threads call the function with
/// their number, each computes its share, and none waits for another. A few rows stream the weights once, in pieces
/// that threads claim ([Claims]); many rows use tiles. Up to 256 KiB of stack are used.
public final class LinearKernel {
  private final ModuleText module;
  final LinearSpec spec;
  private final Epilogue epilogue;
  final PanelLayout layout;
  final int lanes;
  private final List<String> context;
  private final @Nullable Function<Fn, RowSource> source;

  private LinearKernel(
      ModuleText module, LinearSpec spec, Epilogue epilogue, @Nullable Function<Fn, RowSource> source) {
    this.source = source;
    this.module = module;
    this.spec = spec;
    this.epilogue = epilogue;
    lanes = module.lanes();
    layout = layout(spec, module.cpu());
    context = spec.context().stream().map(p -> "%" + p.substring(p.lastIndexOf(' ') + 1)).toList();
  }

  /// Adds the function to a module.
  public static void emit(ModuleText module, LinearSpec spec, Epilogue epilogue) {
    emit(module, spec, epilogue, null);
  }

  /// As [#emit(ModuleText, LinearSpec, Epilogue)], with rows that come from elsewhere than `x`: plain numbers only.
  static void emit(
      ModuleText module, LinearSpec spec, Epilogue epilogue, @Nullable Function<Fn, RowSource> source) {
    var kernel = new LinearKernel(module, spec, epilogue, source);
    kernel.finish();
    if (source == null) {
      kernel.few();
    }
    kernel.many();
    kernel.entry();
  }

  /// The form of the weights that the function for `spec` reads on `cpu`.
  public static PanelLayout layout(LinearSpec spec, CpuTarget cpu) {
    return spec.blocks() == null ? new Packing(spec.weights(), spec.n(), spec.k(), cpu.lanes())
        : new BlockPacking(spec.blocks(), spec.n(), spec.k(), cpu.lanes());
  }

  /// The distance of rows of x that lie one after another, as `xStride` counts.
  public static long rowStride(LinearSpec spec) {
    return spec.blocks() == null ? spec.k() : new Int8Rows(spec.k(), spec.blocks().scaleGroup()).rowBytes();
  }

  private String[] parameters(String... more) {
    var fixed = Stream.of("ptr readonly x", "i64 xStride", "ptr readonly w", "i64 rows");
    var list = spec.rows() == Rows.ALL ? Stream.<String>empty() : Stream.of("ptr readonly list");
    var scales = spec.tiles() == null ? Stream.<String>empty() : Stream.of("ptr readonly scales");
    return Stream.of(fixed, list, scales, spec.context().stream(), Stream.of(more))
        .flatMap(s -> s)
        .toArray(String[]::new);
  }

  private void call(Fn f, String function, String... more) {
    var list = spec.rows() == Rows.ALL ? Stream.<String>empty() : Stream.of("%list");
    var scales = spec.tiles() == null ? Stream.<String>empty() : Stream.of("%scales");
    var arguments =
        Stream.of(
                Stream.of("%x", "%xStride", "%w", "%rows"), list, scales, context.stream(), Stream.of(more))
            .flatMap(s -> s)
            .toArray(String[]::new);
    f.call("void", "@" + function, arguments);
  }

  /// Splits the work: by panels, or by rows where there are too few panels to share out evenly.
  private void entry() {
    var f = module.function(spec.name(), "void", parameters("ptr claims", "i64 thread", "i64 threads"));
    var all = Long.toString(layout.panels());
    var eight = f.mul("%threads", 8);
    var byRows = f.binary("and", f.icmp("sgt", eight, all), f.icmp("sge", "%rows", eight));
    var next = f.add("%thread", 1);
    var row = f.select(byRows, Claims.part(f, "%rows", "%thread"), "0");
    var rowEnd = f.select(byRows, Claims.part(f, "%rows", next), "%rows");
    var panel = f.select(byRows, "0", Claims.part(f, all, "%thread"));
    var panelEnd = f.select(byRows, all, Claims.part(f, all, next));
    var count = f.sub(rowEnd, row);
    Runnable many = () -> call(f, spec.name() + ".many", row, rowEnd, panel, panelEnd);
    if (source != null) {
      f.when(f.icmp("sgt", count, "0"), many);
      f.end();
      return;
    }
    f.when(
        f.icmp("sgt", count, "0"),
        () ->
            f.when(
                f.icmp("sle", count, Integer.toString(mostRows())),
                () -> f.when(byRows,
                    () -> call(f, spec.name() + ".few", row, rowEnd, panel, panelEnd),
                    () -> Claims.each(f, Long.toString(pieces(layout)), piece -> {
                      String[] panels = panels(f, layout, piece);
                      call(f, spec.name() + ".few", row, rowEnd, panels[0], panels[1]);
                    })),
                many));
    f.end();
  }

  /// Pieces of at least this many bytes keep claims rare and memory busy.
  private static final int PIECE_BYTES = 32 << 10;

  private static long panelsOfPiece(PanelLayout layout) {
    return Math.max(1, PIECE_BYTES / Math.max(1, layout.panelBytes()));
  }

  /// Pieces that threads claim of a matrix.
  static long pieces(PanelLayout layout) {
    return (layout.panels() + panelsOfPiece(layout) - 1) / panelsOfPiece(layout);
  }

  /// The panels `[begin, end)` of a piece.
  private static String[] panels(Fn f, PanelLayout layout, String piece) {
    String first = f.mul(piece, panelsOfPiece(layout));
    return new String[] {first, f.min(f.add(first, panelsOfPiece(layout)), Long.toString(layout.panels()))};
  }

  /// Emits a call that computes one piece of the first row.
  ///
  /// @param arguments those of the function up to and with its context
  static void callPiece(Fn f, LinearSpec spec, PanelLayout layout, String piece, List<String> arguments) {
    var range = Stream.concat(Stream.of("i64 0", "i64 1"), Stream.of(panels(f, layout, piece)));
    f.call("void", "@" + spec.name() + ".few", Stream.concat(arguments.stream(), range).toArray(String[]::new));
  }

  private void finish() {
    finish(module, spec.name() + ".finish", spec.n(), spec.context(), epilogue);
  }

  /// Writes the function that hands the sums of some rows of one panel to the epilogue:
  /// `name(sums, first, count, panel, context…)`.
  ///
  /// @param n columns of the result
  static void finish(ModuleText module, String name, long n, List<String> context, Epilogue epilogue) {
    int lanes = module.lanes();
    var parameters = Stream.concat(
        Stream.of("ptr readonly sums", "i64 first", "i64 count", "i64 panel"), context.stream());
    var f = module.internal(name, "void", parameters.toArray(String[]::new));
    var column = f.mul("%panel", lanes);
    int rest = (int) (n % lanes);
    Runnable whole = () -> f.loop("0", "%count", 1, i -> {
      var at = f.at("%sums", "float", f.mul(i, lanes));
      epilogue.store(f, f.load(Fn.vector("float", lanes), at, 4 * lanes), f.add("%first", i), column, lanes);
    });
    if (rest == 0) {
      whole.run();
    } else {
      f.when(f.icmp("slt", "%panel", Long.toString(n / lanes)), whole, () -> f.loop("0", "%count", 1,
          i -> f.loop("0", Integer.toString(rest), 1, c -> {
            var at = f.at("%sums", "float", f.add(f.mul(i, lanes), c));
            epilogue.store(f, f.load("float", at), f.add("%first", i), f.add(column, c), 1);
          })));
    }
    f.end();
  }

  void callFinish(Fn f, String sums, String first, String count, String panel) {
    var arguments =
        Stream.concat(Stream.of(sums, first, count, panel), context.stream())
            .toArray(String[]::new);
    f.call("void", "@" + spec.name() + ".finish", arguments);
  }

  /// Fills `pointers` with the addresses of `count` rows of x from `first` on.
  void rowPointers(Fn f, String pointers, String first, String count) {
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
          String element = spec.blocks() == null ? "float" : "i8";
          f.store(f.at("%x", element, f.mul(source, "%xStride")), f.at(pointers, "ptr", i));
        });
  }

  /// What fills the blocks of rows in the function `f`.
  RowSource source(Fn f) {
    if (source != null) {
      return source.apply(f);
    }
    var plain = new PlainRows(this, f);
    return pairs() ? new PairRows(plain, f) : plain;
  }

  /// Whether tiles multiply pairs of bf16 numbers, which is exact where x holds no others.
  boolean pairs() {
    return spec.bf16() && spec.weights() == DType.BF16 && source == null && lanes == 16
        && module.cpu().has("avx512bf16");
  }

  /// How x is scaled, if the weights have tiles.
  @Nullable TileScaling scaling() {
    return spec.tiles() == null ? null : new TileScaling(spec.tiles(), lanes);
  }

  String panelAt(Fn f, String panel) {
    return f.at("%w", "i8", f.mul(panel, layout.panelBytes()));
  }

  /// The largest number of rows for which reading the weights still costs more than the arithmetic.
  private int mostRows() {
    return spec.blocks() == null ? GemvCore.mostRows(lanes) : BlockGemv.ROWS_MAX;
  }

  private void gemv(Fn f, int rows, String pointers, String panel, String sums) {
    if (layout instanceof BlockPacking blocks) {
      var codes = new BlockCodes(blocks.format(), lanes);
      new BlockGemv(codes, rows).call(f, pointers, panel, blocks.chunks(),
          new Int8Rows(spec.k(), codes.group()).padded(), sums);
    } else {
      new GemvCore(new WeightLine(spec.weights(), lanes), rows, false)
          .call(f, pointers, panel, Long.toString(spec.k()), sums);
    }
  }

  /// A few rows: each panel is read once, for all of them.
  private void few() {
    var f =
        module.outlined(
            spec.name() + ".few",
            "void",
            parameters("i64 row", "i64 rowEnd", "i64 panel", "i64 panelEnd"));
    int most = mostRows();
    var pointers = f.local("ptr", most);
    var sums = f.local("float", (long) most * lanes);
    var count = f.sub("%rowEnd", "%row");
    rowPointers(f, pointers, "%row", count);
    var scaling = scaling();
    var scratch = scaling == null ? null : TileScaling.Scratch.of(f, most, lanes);
    f.loop("%panel", "%panelEnd", 1, p -> {
      if (scaling != null && scratch != null) {
        scaling.few(this, f, pointers, count, p, sums, scratch);
      } else {
        var panel = panelAt(f, p);
        oneOf(f, count, 1, most, m -> gemv(f, m, pointers, panel, sums));
      }
      callFinish(f, sums, "%row", count, p);
    });
    f.end();
  }

  /// Runs the code for that constant between `low` and `high` that equals `value`.
  static void oneOf(Fn f, String value, int low, int high, IntConsumer code) {
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
    var f = module.outlined(spec.name() + ".many", "void",
        parameters("i64 row", "i64 rowEnd", "i64 panel", "i64 panelEnd"));
    if (spec.blocks() == null) {
      new FloatTiles(this, f).emit();
    } else {
      new BlockTiles(this, new BlockCodes(spec.blocks(), lanes), f).emit();
    }
    f.end();
  }
}
