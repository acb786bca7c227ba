package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Int8Rows;
import java.util.ArrayList;
import java.util.List;

/// Many rows times block weights. For a block of rows and a group of panels, slab by slab: copy the block of x to where
/// a tile finds it at fixed distances, read the weights of two panels into codes once, then tile by tile; the f32 sums
/// wait in memory between slabs.
final class BlockTiles {
  private static final int SLAB = BlockTile.SLAB;
  private static final int BLOCK = 132;
  private static final int GROUP = 2 * Tuning.GROUP_PAIRS;

  private final LinearKernel kernel;
  private final BlockCodes codes;
  private final Fn f;
  private final int lanes;
  private final int tileRows;
  private final BlockTile tile;
  private final Int8Rows rows;
  private final String pointers;
  private final String block;
  private final String sums;
  private final String unpacked;
  private final String scales;
  private final String minimums;

  BlockTiles(LinearKernel kernel, BlockCodes codes, Fn f) {
    this.kernel = kernel;
    this.codes = codes;
    this.f = f;
    lanes = kernel.lanes;
    tileRows = BlockTile.mostRows(lanes);
    tile = tile(tileRows);
    rows = new Int8Rows(kernel.spec.k(), codes.group());
    pointers = f.local("ptr", BLOCK);
    block = f.local("i8", (long) BLOCK * tile.rowBytes());
    sums = f.local("float", (long) GROUP * BLOCK * lanes);
    unpacked = f.local("i8", 2L * BlockTile.codeBytes(lanes));
    scales = f.local("float", 2L * tile.groups() * lanes);
    minimums = f.local("float", 2L * tile.groups() * lanes);
  }

  private BlockTile tile(int count) {
    return new BlockTile(lanes, codes.group(), codes.bias() == 0, count);
  }

  void emit() {
    f.loop("%row", "%rowEnd", BLOCK, row -> {
      var count = f.min(f.sub("%rowEnd", row), Integer.toString(BLOCK));
      kernel.rowPointers(f, pointers, row, count);
      f.loop("%panel", "%panelEnd", GROUP, first -> {
        var end = f.min(f.add(first, GROUP), "%panelEnd");
        clear(f.sub(end, first));
        f.loop("0", Long.toString(rows.padded()), SLAB, k -> slab(k, count, first, end));
        f.loop(first, end, 1, p -> kernel.callFinish(f, sumsOf(f.sub(p, first), "0"), row, count, p));
      });
    });
  }

  private String sumsOf(String slot, String row) {
    return f.at(sums, "float", f.mul(f.add(f.mul(slot, BLOCK), row), lanes));
  }

  private void clear(String slots) {
    var zero = Vec.zero(f, "float", lanes);
    f.loop("0", f.mul(slots, (long) BLOCK * lanes), lanes, i -> f.store(zero, f.at(sums, "float", i), 4 * lanes));
  }

  private void slab(String k, String count, String first, String end) {
    copyBlock(k, count);
    long weights = codes.words().weights();
    String chunk = f.div(k, weights);
    // The last slab may hold fewer chunks than fit.
    String left = f.sub(Long.toString((kernel.spec.k() + weights - 1) / weights), chunk);
    String chunks = f.min(left, Long.toString(SLAB / weights));
    String groups = f.mul(chunks, weights / codes.group());
    f.loop(first, end, 2, p -> {
      // With an odd number of panels the last one is computed twice; the second result goes where nobody looks.
      var second = f.min(f.add(p, 1), f.sub(end, "1"));
      String offset = f.mul(chunk, codes.chunkBytes());
      var from = List.of(f.at(kernel.panelAt(f, p), "i8", offset), f.at(kernel.panelAt(f, second), "i8", offset));
      BlockTile.Unpacked weightsOfPair = unpack(from, chunks);
      String following = f.select(f.icmp("slt", f.add(p, 2), end),
          f.at(kernel.panelAt(f, f.add(p, 2)), "i8", offset),
          f.at(kernel.panelAt(f, first), "i8", f.add(offset, SLAB / weights * codes.chunkBytes())));
      pair(weightsOfPair, groups, count, f.sub(p, first), following);
    });
  }

  private void copyBlock(String k, String count) {
    int width = 64;
    f.loop("0", count, 1, i -> {
      String row = f.load("ptr", f.at(pointers, "ptr", i));
      String to = f.at(block, "i8", f.mul(i, tile.rowBytes()));
      for (int j = 0; j < SLAB; j += width) {
        f.store(f.load("<64 x i8>", f.byteAt(f.at(row, "i8", k), j)), f.byteAt(to, j));
      }
      String group = f.div(k, codes.group());
      long[] parts = {rows.scales(), rows.sums(), rows.scaledSums()};
      for (int part = 0; part < parts.length; part++) {
        String values = f.load(Fn.vector("i32", tile.groups()), f.at(f.byteAt(row, parts[part]), "i32", group));
        values = part == 1 && codes.bias() != 0 ? f.mul(values, -codes.bias()) : values;
        f.store(values, f.byteAt(to, SLAB + 4L * part * tile.groups()));
      }
    });
  }

  /// Weights become codes and scales once per slab and are then used by all rows of the block.
  private BlockTile.Unpacked unpack(List<String> panels, String chunks) {
    var w = new BlockTile.Unpacked(new ArrayList<>(), new ArrayList<>(), new ArrayList<>());
    for (int p = 0; p < panels.size(); p++) {
      String panel = panels.get(p);
      String code = f.byteAt(unpacked, (long) p * BlockTile.codeBytes(lanes));
      String scale = f.at(scales, "float", (long) p * tile.groups() * lanes);
      String minimum = f.at(minimums, "float", (long) p * tile.groups() * lanes);
      f.loop("0", chunks, 1, c -> {
        String first = f.mul(c, codes.words().weights());
        for (int number = 0; number < codes.words().weights() / codes.group(); number++) {
          BlockCodes.Group g = codes.group(f, f.at(panel, "i8", f.mul(c, codes.chunkBytes())), number);
          for (int i = 0; i < g.codes().size(); i++) {
            String at = f.at(f.at(code, "i8", f.mul(first, lanes)), "i8", (long) (g.k() + 4 * i) * lanes);
            f.store(g.codes().get(i), at, 4 * lanes);
          }
          String place = f.mul(f.add(f.div(first, codes.group()), number), lanes);
          f.store(g.scale(), f.at(scale, "float", place), 4 * lanes);
          if (codes.bias() == 0) {
            f.store(f.fneg(g.minimum()), f.at(minimum, "float", place), 4 * lanes);
          }
        }
      });
      w.codes().add(code);
      w.scales().add(scale);
      w.minimums().add(minimum);
    }
    return w;
  }

  private void pair(BlockTile.Unpacked w, String groups, String count, String slot, String following) {
    f.loop("0", count, tileRows, i -> {
      var x = f.at(block, "i8", f.mul(i, tile.rowBytes()));
      var c0 = sumsOf(slot, i);
      var c1 = f.at(c0, "float", (long) BLOCK * lanes);
      // Each tile fetches its part of the weights that come next.
      String ahead = f.at(following, "i8", f.mul(f.div(i, tileRows), 64L * tile.groups()));
      var left = f.min(f.sub(count, i), Integer.toString(tileRows));
      LinearKernel.oneOf(f, f.sub(Integer.toString(tileRows), left), 0, tileRows - 1,
          missing -> tile(tileRows - missing).call(f, x, w, groups, c0, c1, ahead));
    });
  }
}
