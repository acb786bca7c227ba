package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.AttentionBlocks;
import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Attention, a block of query rows against one block of keys after the other, with a softmax that follows the largest
/// score as it goes.
///
/// The rows of a block are those that share keys and values: positions, and within each all heads of the group that
/// keys and values are repeated for. Blocks of keys, and tiles of rows within them, that causality or the mask closes
/// are left out. With many rows keys are transposed once per block, so that a vector holds one element of several
/// keys; with few rows they are read as they lie. Threads take turns at the blocks of rows.
final class BlockAttention {
  private static final int WIDE_MIN = 8;
  private static final int FEW = 4;
  private static final int KEYS = AttentionBlocks.KEYS;

  private final KernelCode code;
  private final Fn f;
  private final Kernel.Attention kernel;
  private final AttentionBlocks blocks;
  private final AttentionTiles tiles;
  private final BlockSoftmax softmax;
  private final @Nullable AttentionMask mask;
  private final List<Dim> head = new ArrayList<>();
  private final List<Dim> shared = new ArrayList<>();
  private final List<Dim> own = new ArrayList<>();
  private final String scratch;
  private final String keys;

  BlockAttention(KernelCode code, Kernel.Attention kernel, AttentionBlocks blocks) {
    this.code = code;
    this.kernel = kernel;
    this.blocks = blocks;
    f = code.f;
    mask = kernel.mask() == null ? null : new AttentionMask(code, kernel.mask());
    var module = f.module();
    tiles = new AttentionTiles(module, blocks, kernel.k().dtype(), kernel.v().dtype());
    softmax = new BlockSoftmax(module, blocks, mask == null ? null : mask.dtype());
    scratch = f.at(code.buffer(kernel.scratch()), "float", f.mul("%thread", Integer.toString(blocks.floats())));
    keys = code.index(kernel.k().shape().dim(-2));
    var extents = kernel.out().shape().dims();
    for (int i = 0; i < extents.size() - 2; i++) {
      Dim extent = extents.get(i);
      Dim counter = extent.is(1) ? Dim.ZERO : code.indexing.counter(extent);
      head.add(counter);
      if (!extent.is(1)) {
        boolean repeated = isRepeated(kernel.k(), i) && isRepeated(kernel.v(), i);
        (repeated ? shared : own).add(counter);
      }
    }
  }

  private boolean isRepeated(Operand x, int axis) {
    int at = axis - (kernel.out().shape().rank() - x.shape().rank());
    return at < 0 || x.shape().dim(at).is(1) || x.strides().get(at).is(0);
  }

  private Dim extents(List<Dim> counters) {
    Dim product = Dim.ONE;
    for (Dim counter : counters) {
      product = product.times(java.util.Objects.requireNonNull(code.indexing.extent(Indexing.name(counter))));
    }
    return product;
  }

  private String part(int floats) {
    return f.at(scratch, "float", floats);
  }

  private String part(int floats, String row, int stride) {
    return f.at(part(floats), "float", f.mul(row, stride));
  }

  private String number(int part, String row) {
    return f.at(part(part), "i64", row);
  }

  void emit() {
    String heads = code.index(extents(own));
    String rows = code.index(extents(shared).times(kernel.q().shape().dim(-2)));
    String most = rowsOfBlock(f.mul(heads, rows));
    String each = f.binary("udiv", f.add(rows, f.sub(most, "1")), most);
    String items = f.mul(heads, each);
    String mine = f.binary("sdiv", f.add(f.sub(items, "%thread"), f.sub("%threads", "1")), "%threads");
    f.loop("0", mine, 1, n -> {
      String item = f.add("%thread", f.mul(n, "%threads"));
      if (!own.isEmpty()) {
        code.unflatten(f.binary("udiv", item, each), own);
      }
      String first = f.mul(f.binary("urem", item, each), most);
      block(first, f.min(most, f.sub(rows, first)));
    });
  }

  /// As many rows as scratch has room for, but blocks for all threads.
  private String rowsOfBlock(String all) {
    String share = f.binary("udiv", f.add(all, f.sub("%threads", "1")), "%threads");
    String even = f.binary("and", f.add(share, WIDE_MIN - 1), Integer.toString(-WIDE_MIN));
    String wanted = f.select(f.icmp("sge", share, Integer.toString(WIDE_MIN)), even, share);
    return f.max(f.min(wanted, Integer.toString(blocks.rows())), "1");
  }

  /// The block of `count` rows from `first` on, all of one head of keys.
  private void block(String first, String count) {
    var range = f.loop("0", count, 1, List.of(keys, "i64 0"), (r, carried) -> {
      Dim t = row(f.add(first, r));
      query(r, t);
      var open = open(r, t);
      clear(r);
      return List.of(f.min(carried.get(0), open.get(0)), f.max(carried.get(1), open.get(1)));
    });
    String wide = f.icmp("sge", count, Integer.toString(WIDE_MIN));
    String padded = f.binary("and", f.add(count, tiles.wideRows() - 1), Integer.toString(-tiles.wideRows()));
    f.when(wide, () -> f.loop(count, padded, 1, r -> {
      f.store("i64 0", number(blocks.ends(), r));
      f.store("i64 " + Long.MAX_VALUE, number(blocks.begins(), r));
    }));
    String from = f.binary("and", range.get(0), Integer.toString(-KEYS));
    String k = code.address(kernel.k(), at(kernel.k()));
    String v = code.address(kernel.v(), at(kernel.v()));
    f.loop(from, range.get(1), KEYS, key -> {
      var b = new Block(key, f.min(f.sub(keys, key), Integer.toString(KEYS)),
          element(kernel.k(), k, key), stride(kernel.k()), element(kernel.v(), v, key), stride(kernel.v()));
      f.when(wide, () -> wide(b, count), () -> narrow(b, count));
    });
    f.loop("0", count, 1, r -> finish(r, row(f.add(first, r))));
  }

  /// Binds the counters of a row of the block; returns its position.
  private Dim row(String row) {
    if (shared.isEmpty()) {
      return code.named(row);
    }
    String group = code.index(extents(shared));
    code.unflatten(f.binary("urem", row, group), shared);
    return code.named(f.binary("udiv", row, group));
  }

  private void query(String r, Dim t) {
    Operand q = kernel.q();
    var index = new ArrayList<>(head);
    index.add(t);
    index.add(Dim.ZERO);
    String from = code.address(q, q.at(Indexing.broadcast(index, q.shape())));
    String to = part(blocks.queries(), r, blocks.queryStride());
    var row = new Rows(q.dtype(), blocks.width(), code.lanes);
    for (int i = 0; i < row.vectors(); i++) {
      f.store(f.fmul(row.load(f, from, i), Fn.f32((float) kernel.scale())),
          f.at(to, "float", (long) i * code.lanes));
    }
  }

  /// Notes which keys are open to a row, `[begin, end)` at least.
  private List<String> open(String r, Dim t) {
    String end = kernel.causal() ? f.min(f.add(code.index(t), 1), keys) : keys;
    List<String> range = List.of("i64 0", end);
    if (mask != null) {
      String row = mask.row(head, t);
      f.store(row, number(blocks.masks(), r));
      var open = mask.open(row, keys);
      range = List.of(open.get(0), f.min(end, open.get(1)));
    }
    f.store(f.typed(range.get(0)), number(blocks.begins(), r));
    f.store(range.get(1), number(blocks.ends(), r));
    return range;
  }

  private void clear(String r) {
    f.store(Fn.f32(-Float.MAX_VALUE), part(blocks.maxima(), r, 1));
    String zero = Vec.zero(f, "float", code.lanes);
    f.store(zero, part(blocks.sums(), r, code.lanes));
    String values = part(blocks.values(), r, blocks.valueStride());
    f.loop("0", Integer.toString(blocks.valueStride()), code.lanes, i -> f.store(zero, f.at(values, "float", i)));
  }

  /// The first element of an operand that keys index, for the present head.
  private Dim at(Operand x) {
    var index = new ArrayList<>(head);
    for (Dim counter : shared) {
      index.set(head.indexOf(counter), Dim.ZERO);
    }
    index.add(Dim.ZERO);
    index.add(Dim.ZERO);
    return x.at(Indexing.broadcast(index, x.shape()));
  }

  private String stride(Operand x) {
    return x.shape().dim(-2).is(1) ? "0" : code.index(x.strides().get(x.strides().size() - 2));
  }

  private String element(Operand x, String base, String row) {
    return f.at(base, Registers.stored(x.dtype()), f.mul(row, stride(x)));
  }

  /// A block of keys.
  ///
  /// @param first its first key
  /// @param count its keys
  private record Block(String first, String count, String k, String keyStride, String v, String valueStride) {}

  private void wide(Block b, String count) {
    String transposed = part(blocks.keys());
    tiles.pack(f, b.k, b.keyStride, b.count, transposed);
    int rows = tiles.wideRows();
    f.loop("0", count, rows, r -> when(b, r, rows, end -> {
      String scores = part(blocks.scores(), r, KEYS);
      String queries = part(blocks.queries(), r, blocks.queryStride());
      f.loop("0", end, tiles.wideKeys(), j ->
          tiles.scores(f, queries, f.at(transposed, "float", j), f.at(scores, "float", j)));
      f.loop(r, f.min(f.add(r, rows), count), 1, i -> weights(b, i));
      tiles.values(f, rows, scores, b.v, b.valueStride, end, part(blocks.values(), r, blocks.valueStride()));
    }));
  }

  private void narrow(Block b, String count) {
    String fours = f.binary("and", count, Integer.toString(-FEW));
    f.loop("0", fours, FEW, r -> narrow(b, r, FEW));
    f.loop(fours, count, 1, r -> narrow(b, r, 1));
  }

  private void narrow(Block b, String r, int rows) {
    when(b, r, rows, end -> {
      String scores = part(blocks.scores(), r, KEYS);
      String queries = part(blocks.queries(), r, blocks.queryStride());
      String last = f.sub(end, "1");
      f.loop("0", end, tiles.narrowKeys(rows), j -> tiles.dots(f, rows, queries,
          f.at(b.k, Registers.stored(kernel.k().dtype()), f.mul(j, b.keyStride)), b.keyStride, f.sub(last, j),
          f.at(scores, "float", j)));
      if (rows == 1) {
        weights(b, r);
      } else {
        f.loop(r, f.add(r, rows), 1, i -> weights(b, i));
      }
      tiles.values(f, rows, scores, b.v, b.valueStride, end, part(blocks.values(), r, blocks.valueStride()));
    });
  }

  /// Runs `body` if any of the rows has an open key in the block, with the number of keys up to the last such.
  private void when(Block b, String r, int rows, java.util.function.Consumer<String> body) {
    String begin = Vec.reduceMin(f, f.load(Fn.vector("i64", rows), number(blocks.begins(), r)));
    String end = Vec.reduceMax(f, f.load(Fn.vector("i64", rows), number(blocks.ends(), r)));
    String open = f.binary("and", f.icmp("sgt", end, b.first), f.icmp("slt", begin, f.add(b.first, KEYS)));
    f.when(open, () -> body.accept(f.min(b.count, f.sub(end, b.first))));
  }

  private void weights(Block b, String r) {
    String values = part(blocks.values(), r, blocks.valueStride());
    String row = mask == null ? scratch
        : mask.block(f.load("i64", number(blocks.masks(), r)), b.first, b.count);
    softmax.call(f, part(blocks.scores(), r, KEYS), part(blocks.maxima(), r, 1), part(blocks.sums(), r, code.lanes),
        values, row, f.sub(f.load("i64", number(blocks.ends(), r)), b.first));
  }

  /// Divides a row by the sum of its weights and stores it; a row without open keys is 0.
  private void finish(String r, Dim t) {
    Operand out = kernel.out();
    String sum = Vec.reduceAdd(f, f.load(Fn.vector("float", code.lanes), part(blocks.sums(), r, code.lanes)));
    String none = f.fcmp("oeq", sum, Fn.f32(0));
    String inverse = f.select(none, Fn.f32(0), f.fdiv(Fn.f32(1), sum));
    var index = new ArrayList<>(head);
    index.add(t);
    index.add(Dim.ZERO);
    String to = code.address(out, out.at(index));
    String values = part(blocks.values(), r, blocks.valueStride());
    var row = new Rows(out.dtype(), blocks.valueWidth(), code.lanes);
    for (int i = 0; i < row.vectors(); i++) {
      String x = f.load(Fn.vector("float", code.lanes), f.at(values, "float", (long) i * code.lanes));
      row.store(f, f.fmul(x, Vec.splat(f, inverse, code.lanes)), to, i);
    }
  }
}
