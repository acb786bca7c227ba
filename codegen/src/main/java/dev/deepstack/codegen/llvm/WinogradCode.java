package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.WinogradTiles;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/// Convolutions by [Winograd]. For a block of tiles of 2 x 2 results: transform their windows of 4 x 4 pixels, then for
/// each pair of panels multiply at all 16 places, transform the sums back, and hand them to the epilogue. Each thread
/// does this by itself, for a part of the tiles, or for a part of the panels where there are few tiles.
final class WinogradCode {
  /// With fewer tiles for each thread the weights would be read too often for what is done with them.
  private static final int TILES_MIN = 32;
  private static final int SIDE = 4;

  private final Kernel.WinogradConvolution kernel;
  private final WinogradTiles tiles;
  private final KernelScope scope;
  private final long results;

  WinogradCode(Kernel.WinogradConvolution kernel, WeightRecipe recipe, KernelScope scope) {
    this.kernel = kernel;
    this.scope = scope;
    tiles = kernel.tiles();
    results = recipe.rows();
  }

  /// Writes the kernel as function `name` of the module.
  void emit(ModuleText module, String name) {
    LinearKernel.finish(module, name + ".finish", results, scope.context(),
        (f, sums, row, column, lanes) -> LinearCode.store(scope.code(f), kernel.product(), kernel.root(), kernel.out(),
            sums, row, column, lanes));
    var f = scope.function(module, name);
    new Body(f, name, new Packing(DType.F32, results, Winograd.PLACES * (long) tiles.channels(),
        module.lanes())).emit();
    f.end();
  }

  private final class Body {
    private final Fn f;
    private final KernelCode code;
    private final String finish;
    private final Packing packing;
    private final int lanes;
    private final String vector;
    private final List<Dim> positions = kernel.product().type().shape().dims();
    private final String down;
    private final String across;
    private final String scratch;
    /// Of each tile of the block the row of its first result, and how many results it has down and across.
    private final String rows;
    private final String heights;
    private final String widths;
    private final String back;

    Body(Fn f, String name, Packing packing) {
      this.f = f;
      this.packing = packing;
      finish = name + ".finish";
      code = scope.code(f);
      lanes = code.lanes;
      vector = Fn.vector("float", lanes);
      down = f.div(f.add(code.index(positions.get(1)), 1), 2);
      across = f.div(f.add(code.index(positions.get(2)), 1), 2);
      scratch = f.at(code.buffer(kernel.scratch()), "float", f.mul("%thread", tiles.floats()));
      rows = f.local("i64", tiles.tiles());
      heights = f.local("i64", tiles.tiles());
      widths = f.local("i64", tiles.tiles());
      back = f.local("float", 4L * lanes);
    }

    void emit() {
      String all = f.mul(f.mul(code.index(positions.get(0)), down), across);
      String pairs = Long.toString((packing.panels() + 1) / 2);
      String byTiles = f.icmp("sge", all, f.mul("%threads", TILES_MIN));
      String next = f.add("%thread", 1);
      String begin = f.select(byTiles, Claims.part(f, all, "%thread"), "0");
      String end = f.select(byTiles, Claims.part(f, all, next), all);
      String pair = f.select(byTiles, "0", Claims.part(f, pairs, "%thread"));
      String pairEnd = f.select(byTiles, pairs, Claims.part(f, pairs, next));
      String zeros = f.at(scratch, "float", tiles.zeros());
      Vec.over(f, "0", Integer.toString(tiles.channels()), lanes,
          (c, n) -> f.store(Vec.zero(f, "float", n), f.at(zeros, "float", c)));
      String count = f.sub(end, begin);
      evenly(count, tiles.tiles(), (first, some) -> {
        f.loop("0", some, 1, i -> window(f.add(f.add(begin, first), i), i, zeros));
        f.loop(pair, pairEnd, 1, p -> {
          products(p, some);
          f.loop("0", some, 1, i -> results(p, i));
        });
      });
    }

    private interface Part {
      void emit(String first, String count);
    }

    /// Parts of at most `most`, as equal as possible.
    private void evenly(String count, int most, Part part) {
      String parts = f.div(f.add(count, most - 1L), most);
      String size = f.binary("udiv", f.sub(f.add(count, parts), "1"), f.max(parts, "1"));
      f.loop("0", parts, 1, n -> {
        String first = f.mul(n, size);
        part.emit(first, f.min(size, f.sub(count, first)));
      });
    }

    /// Transforms the window of a tile into row `i` of the block: `Bᵀ d B`.
    private void window(String tile, String i, String zeros) {
      String x = f.binary("urem", tile, across);
      String rest = f.binary("udiv", tile, across);
      String y = f.binary("urem", rest, down);
      String image = f.binary("udiv", rest, down);
      String top = f.mul(y, 2);
      String left = f.mul(x, 2);
      String height = code.index(positions.get(1));
      String width = code.index(positions.get(2));
      f.store(f.add(f.mul(f.add(f.mul(image, height), top), width), left), f.at(rows, "i64", i));
      f.store(f.min(f.sub(height, top), "2"), f.at(heights, "i64", i));
      f.store(f.min(f.sub(width, left), "2"), f.at(widths, "i64", i));
      List<String> pixels = pixels(image, top, left, zeros);
      String to = f.at(scratch, "float", f.add(f.mul(i, tiles.stride()), tiles.image()));
      Vec.over(f, "0", Integer.toString(tiles.channels()), lanes, (c, n) -> {
        String type = n == 1 ? "float" : vector;
        var d = new ArrayList<>(pixels.stream().map(p -> f.load(type, f.at(p, "float", c))).toList());
        for (int line = 0; line < SIDE; line++) {
          inward(d, line, SIDE);
        }
        for (int line = 0; line < SIDE; line++) {
          inward(d, line * SIDE, 1);
        }
        for (int p = 0; p < Winograd.PLACES; p++) {
          f.store(d.get(p), f.at(f.at(to, "float", (long) p * tiles.tiles() * tiles.stride()), "float", c));
        }
      });
    }

    /// `Bᵀ` times four values, `Bᵀ = [1 0 -1 0; 0 1 1 0; 0 -1 1 0; 0 1 0 -1]`.
    private void inward(List<String> d, int at, int step) {
      String a = d.get(at);
      String b = d.get(at + step);
      String c = d.get(at + 2 * step);
      String e = d.get(at + 3 * step);
      d.set(at, f.fsub(a, c));
      d.set(at + step, f.fadd(b, c));
      d.set(at + 2 * step, f.fsub(c, b));
      d.set(at + 3 * step, f.fsub(b, e));
    }

    /// Where the channels of the 16 pixels of a window lie.
    private List<String> pixels(String image, String top, String left, String zeros) {
      var x = kernel.x();
      String y0 = f.add(top, -kernel.op().low().get(0));
      String x0 = f.add(left, -kernel.op().low().get(1));
      String base = f.add(f.mul(image, code.index(x.strides().get(0))), code.index(x.offset()));
      var inside = new ArrayList<String>();
      var columns = new ArrayList<String>();
      for (int s = 0; s < SIDE; s++) {
        String at = f.add(x0, s);
        inside.add(f.icmp("ult", at, code.index(x.shape().dim(2))));
        columns.add(f.mul(at, code.index(x.strides().get(2))));
      }
      var pixels = new ArrayList<String>();
      for (int r = 0; r < SIDE; r++) {
        String at = f.add(y0, r);
        String here = f.icmp("ult", at, code.index(x.shape().dim(1)));
        String row = f.add(f.mul(at, code.index(x.strides().get(1))), base);
        for (int s = 0; s < SIDE; s++) {
          String pixel = f.at(code.buffer(x.buffer()), "float", f.add(row, columns.get(s)));
          pixels.add(f.select(f.binary("and", here, inside.get(s)), pixel, zeros));
        }
      }
      return pixels;
    }

    private String panel(String pair, int second) {
      return second == 0 ? f.mul(pair, 2)
          : f.min(f.add(f.mul(pair, 2), 1), Long.toString(packing.panels() - 1));
    }

    private String sums(int second, String place, String i) {
      String at = f.add(f.mul(f.add(place, (long) second * Winograd.PLACES), tiles.tiles()), i);
      return f.at(scratch, "float", f.add(f.mul(at, lanes), tiles.products()));
    }

    /// At every place: the block's rows times two panels. With an odd number of panels the last one is computed twice.
    private void products(String pair, String count) {
      int depth = tiles.channels();
      long bytes = (long) depth * lanes * Float.BYTES;
      int most = GemmCore.mostRows(lanes);
      f.loop("0", Integer.toString(Winograd.PLACES), 1, place -> {
        String weights = code.buffer(kernel.weight());
        String inPanel = f.mul(place, bytes);
        String b0 = f.at(weights, "i8", f.add(f.mul(panel(pair, 0), packing.panelBytes()), inPanel));
        String b1 = f.at(weights, "i8", f.add(f.mul(panel(pair, 1), packing.panelBytes()), inPanel));
        // Behind the last place of this pair lies the first one of the next.
        String last = f.icmp("eq", place, Integer.toString(Winograd.PLACES - 1));
        String further = f.select(last, Long.toString(bytes + packing.panelBytes()), Long.toString(bytes));
        String image = f.at(scratch, "float",
            f.add(f.mul(place, (long) tiles.tiles() * tiles.stride()), tiles.image()));
        evenly(count, most, (i, height) -> {
          String x = f.at(image, "float", f.mul(i, tiles.stride()));
          String offset = f.mul(f.div(i, most), depth * 16L);
          String ahead = f.at(f.select(f.icmp("slt", offset, Long.toString(bytes)), b0, b1), "i8",
              f.add(further, f.mod(offset, bytes)));
          LinearKernel.oneOf(f, f.sub(Integer.toString(most), height), 0, most - 1,
              missing -> new GemmCore(lanes, most - missing, false, tiles.stride(), false)
                  .call(f, x, b0, b1, Integer.toString(depth), sums(0, place, i), sums(1, place, i), ahead));
        });
      });
    }

    /// Transforms the sums of a tile back, `Aᵀ m A`, and stores its results.
    private void results(String pair, String i) {
      String row = f.load("i64", f.at(rows, "i64", i));
      String height = f.load("i64", f.at(heights, "i64", i));
      String width = f.load("i64", f.at(widths, "i64", i));
      for (int second = 0; second < 2; second++) {
        int half = second;
        String panel = f.add(f.mul(pair, 2), half);
        f.when(f.icmp("slt", panel, Long.toString(packing.panels())), () -> {
          var m = new ArrayList<String>();
          for (int p = 0; p < Winograd.PLACES; p++) {
            m.add(f.load(vector, sums(half, Integer.toString(p), i), lanes * Float.BYTES));
          }
          for (int line = 0; line < SIDE; line++) {
            outward(m, line, SIDE);
          }
          for (int line = 0; line < 2; line++) {
            outward(m, line * SIDE, 1);
            for (int s = 0; s < 2; s++) {
              f.store(m.get(line * SIDE + s), f.at(back, "float", (2L * line + s) * lanes), lanes * Float.BYTES);
            }
          }
          store(f.at(back, "float", 0), row, width, panel);
          f.when(f.icmp("sgt", height, "1"), () -> store(f.at(back, "float", 2L * lanes),
              f.add(row, code.index(positions.get(2))), width, panel));
        });
      }
    }

    /// `Aᵀ` times four values, `Aᵀ = [1 1 1 0; 0 1 -1 -1]`, into the first two.
    private void outward(List<String> m, int at, int step) {
      String b = m.get(at + step);
      String c = m.get(at + 2 * step);
      m.set(at, f.fadd(f.fadd(m.get(at), b), c));
      m.set(at + step, f.fsub(f.fsub(b, c), m.get(at + 3 * step)));
    }

    private void store(String sums, String row, String count, String panel) {
      var arguments = Stream.concat(Stream.of(sums, row, count, panel),
          scope.context().stream().map(p -> "%" + p.substring(p.lastIndexOf(' ') + 1)));
      f.call("void", "@" + finish, arguments.toArray(String[]::new));
    }
  }
}
