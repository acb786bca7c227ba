package dev.deepstack.codegen.llvm;

import dev.deepstack.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// Many rows. For a block of rows and a group of panels, slab by slab: copy the block of x to
/// where its rows do not collide in the cache, then tile by tile; the sums wait in memory
/// between slabs.
final class FloatTiles {
  private static final int SLAB = Tuning.SLAB;
  private static final int BLOCK = Tuning.BLOCK_ROWS;
  private static final int GROUP = 2 * Tuning.GROUP_PAIRS;

  private final LinearKernel kernel;
  private final Fn f;
  private final int lanes;
  private final WeightLine line;
  private final int tileRows;
  private final long bytesPerK;
  private final RowSource source;
  private final String block;
  private final String sums;
  private final String unpacked;
  private final boolean pairs;
  private final @Nullable TileScaling scaling;
  /// Columns of a slab: one of x for each unit of a block's row, or two.
  private final int width;

  FloatTiles(LinearKernel kernel, Fn f) {
    this.kernel = kernel;
    this.f = f;
    lanes = kernel.lanes;
    line = new WeightLine(kernel.spec.weights(), lanes);
    tileRows = GemmCore.mostRows(lanes);
    bytesPerK = line.bytes() / line.depth();
    source = kernel.source(f);
    scaling = kernel.scaling();
    pairs = kernel.pairs();
    width = pairs ? 2 * SLAB : scaling == null ? SLAB : scaling.step(SLAB);
    block = f.local("float", (long) BLOCK * SLAB);
    sums = f.local("float", (long) GROUP * BLOCK * lanes);
    unpacked = isReady() ? "" : f.local("float", 2L * SLAB * lanes);
  }

  /// Whether tiles take the weights as they are stored.
  private boolean isReady() {
    return pairs || kernel.spec.weights() == DType.F32;
  }

  void emit() {
    f.loop(
        "%row",
        "%rowEnd",
        BLOCK,
        row -> {
          var count = f.min(f.sub("%rowEnd", row), Integer.toString(BLOCK));
          source.begin(row, count);
          groups((first, end) -> {
            clear(f.sub(end, first));
            f.loop("0", Long.toString(kernel.spec.k()), width, k -> slab(k, count, first, end));
            f.loop(first, end, 1, p -> kernel.callFinish(f, sumsOf(f.sub(p, first), "0"), row, count, p));
          });
        });
  }

  /// Groups of panels, all of which have the same scales.
  private void groups(BiConsumer<String, String> group) {
    if (scaling == null) {
      f.loop("%panel", "%panelEnd", GROUP, first -> group.accept(first, f.min(f.add(first, GROUP), "%panelEnd")));
      return;
    }
    int alike = scaling.panels();
    f.loop(f.mul(f.div("%panel", alike), alike), "%panelEnd", alike, tile -> {
      var last = f.min(f.add(tile, alike), "%panelEnd");
      var begin = f.select(f.icmp("slt", tile, "%panel"), "%panel", tile);
      f.loop(begin, last, GROUP, first -> group.accept(first, f.min(f.add(first, GROUP), last)));
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
    var depth = f.min(f.sub(Long.toString(kernel.spec.k()), k), Integer.toString(width));
    copyBlock(k, depth, count, first);
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
              List.of(f.at(kernel.panelAt(f, p), "i8", inSlab), f.at(kernel.panelAt(f, second), "i8", inSlab));
          var units = pairs ? f.div(f.add(depth, 1), 2) : depth;
          var following =
              f.select(
                  f.icmp("slt", f.add(p, 2), end),
                  f.at(kernel.panelAt(f, f.add(p, 2)), "i8", inSlab),
                  f.at(kernel.panelAt(f, first), "i8", f.mul(f.add(k, width), bytesPerK)));
          pair(unpack(b, depth), units, count, f.sub(p, first), following);
        });
  }

  private void copyBlock(String k, String depth, String count, String panel) {
    f.loop(
        "0",
        count,
        1,
        i -> {
          var to = f.at(block, "float", f.mul(i, SLAB));
          source.copy(i, k, depth, to);
          if (scaling != null) {
            scaling.scale(f, to, to, k, depth, panel);
          }
        });
  }

  /// Narrow weights become f32 once per slab and are then used by all rows of the block.
  private List<String> unpack(List<String> panels, String depth) {
    if (isReady()) {
      return panels;
    }
    var lines = f.div(f.add(depth, line.depth() - 1), line.depth());
    var out = new ArrayList<String>();
    for (String panel : panels) {
      var to = f.at(unpacked, "float", (long) out.size() * SLAB * lanes);
      f.loop(
          "0",
          lines,
          1,
          i -> {
            var weights = line.load(f, f.at(panel, "i8", f.mul(i, line.bytes())));
            var at = f.at(to, "float", f.mul(i, (long) line.depth() * lanes));
            for (int d = 0; d < weights.size(); d++) {
              f.store(weights.get(d), f.at(at, "float", (long) d * lanes), 4 * lanes);
            }
          });
      out.add(to);
    }
    return out;
  }

  private void pair(List<String> b, String units, String count, String slot, String following) {
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
          LinearKernel.oneOf(
              f,
              f.sub(Integer.toString(tileRows), left),
              0,
              tileRows - 1,
              missing ->
                  new GemmCore(lanes, tileRows - missing, pairs)
                      .call(f, x, b.get(0), b.get(1), units, c0, c1, ahead));
        });
  }

  /// Each tile fetches its part of the weights that come next, first those of one panel, then
  /// of the other.
  private String ahead(String row, String following) {
    var offset = f.mul(f.div(row, tileRows), SLAB * 16L);
    long slabBytes = width * bytesPerK;
    var inFirst = f.icmp("slt", offset, Long.toString(slabBytes));
    return f.at(
        following,
        "i8",
        f.select(inFirst, offset, f.add(offset, kernel.layout.panelBytes() - slabBytes)));
  }
}
