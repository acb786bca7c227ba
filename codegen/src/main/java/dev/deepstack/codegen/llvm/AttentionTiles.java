package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.AttentionBlocks;
import dev.deepstack.tensor.DType;
import java.util.ArrayList;
import java.util.List;

/// The inner loops of attention by blocks, each a function whose sums stay in registers: scores of many rows against
/// transposed keys, scores of few rows against keys as they lie, weighted sums of values.
final class AttentionTiles {
  /// Sums that keep both multiply-add units busy through their latency.
  private static final int SUMS_MIN = 8;
  private static final int UNROLL = 4;
  private static final int STRAIGHT_MAX = 8;
  private static final int KEY_VECTORS = 2;

  private final ModuleText module;
  private final AttentionBlocks blocks;
  private final Rows key;
  private final Rows value;
  private final int lanes;

  AttentionTiles(ModuleText module, AttentionBlocks blocks, DType key, DType value) {
    this.module = module;
    this.blocks = blocks;
    lanes = module.lanes();
    this.key = new Rows(key, blocks.width(), lanes);
    this.value = new Rows(value, blocks.valueWidth(), lanes);
  }

  /// Rows of a tile against transposed keys: as many as leave registers for keys and a factor.
  int wideRows() {
    return lanes >= 16 ? 8 : 4;
  }

  int wideKeys() {
    return KEY_VECTORS * lanes;
  }

  private String name(String what) {
    return "ds.attention." + what + "x" + lanes + "." + key.dtype().text() + "." + key.width() + "."
        + value.dtype().text() + "." + value.width();
  }

  // ---- Keys, transposed

  /// Emits a call: `to[j, i] = key i [j]` for `count` keys, `stride` elements apart; some behind them are written too.
  void pack(Fn f, String keys, String stride, String count, String to) {
    String name = name("pack");
    if (module.first(name)) {
      var g = module.outlined(name, "void", "ptr readonly k", "i64 stride", "i64 count", "ptr noalias to");
      String last = g.sub("%count", "1");
      g.loop("0", "%count", lanes, i -> {
        var rows = pointers(g, g.at("%k", stored(key), g.mul(i, "%stride")), g.sub(last, i), lanes);
        int whole = key.width() / lanes;
        g.loop("0", Integer.toString(whole), 1, v -> {
          String at = g.mul(v, lanes);
          var moved = rows.stream().map(r -> g.at(r, stored(key), at)).toList();
          transpose(g, moved, 0, g.at("%to", "float", g.add(g.mul(at, AttentionBlocks.KEYS), i)));
        });
        if (key.vectors() > whole) {
          transpose(g, rows, whole, g.at("%to", "float", g.add(i, (long) whole * lanes * AttentionBlocks.KEYS)));
        }
      });
      g.end();
    }
    f.call("void", "@" + name, keys, stride, count, to);
  }

  private static String stored(Rows rows) {
    return Registers.stored(rows.dtype());
  }

  /// The addresses of `count` rows from `first` on; rows behind row `last` are replaced by it.
  private List<String> pointers(Fn g, String first, String last, int count) {
    var all = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      String row = g.min(last, Integer.toString(i));
      all.add(i == 0 ? first : g.at(first, stored(key), g.mul(row, "%stride")));
    }
    return all;
  }

  private void transpose(Fn g, List<String> rows, int vector, String to) {
    var columns = Transpose.square(g, rows.stream().map(r -> key.load(g, r, vector)).toList());
    int count = Math.min(lanes, key.width() - vector * lanes);
    for (int c = 0; c < count; c++) {
      g.store(columns.get(c), g.at(to, "float", (long) c * AttentionBlocks.KEYS));
    }
  }

  /// Emits a call: scores of [#wideRows] query rows against [#wideKeys] transposed keys.
  void scores(Fn f, String queries, String keys, String to) {
    String name = name("scores");
    if (module.first(name)) {
      var g = module.outlined(name, "void", "ptr noalias readonly q", "ptr noalias readonly k", "ptr noalias to");
      int whole = key.width() / UNROLL * UNROLL;
      var sums = zeros(g, wideRows() * KEY_VECTORS);
      sums = g.loop("0", Integer.toString(whole), UNROLL, sums, (j, carried) -> {
        var next = carried;
        for (int u = 0; u < UNROLL; u++) {
          next = column(g, g.add(j, u), next);
        }
        return next;
      });
      for (int j = whole; j < key.width(); j++) {
        sums = column(g, Integer.toString(j), sums);
      }
      for (int i = 0; i < sums.size(); i++) {
        long at = (long) i / KEY_VECTORS * AttentionBlocks.KEYS + (long) i % KEY_VECTORS * lanes;
        g.store(sums.get(i), g.at("%to", "float", at));
      }
      g.end();
    }
    f.call("void", "@" + name, queries, keys, to);
  }

  private List<String> column(Fn g, String j, List<String> sums) {
    var next = new ArrayList<>(sums);
    String line = g.at("%k", "float", g.mul(j, AttentionBlocks.KEYS));
    var keys = new ArrayList<String>();
    for (int v = 0; v < KEY_VECTORS; v++) {
      keys.add(g.load(Fn.vector("float", lanes), g.at(line, "float", (long) v * lanes)));
    }
    String q = g.at("%q", "float", j);
    for (int r = 0; r < wideRows(); r++) {
      String x = g.load("float", g.at(q, "float", (long) r * blocks.queryStride()));
      String factor = Vec.splat(g, x, lanes);
      for (int v = 0; v < KEY_VECTORS; v++) {
        int n = r * KEY_VECTORS + v;
        next.set(n, g.fma(factor, keys.get(v), next.get(n)));
      }
    }
    return next;
  }

  private List<String> zeros(Fn g, int count) {
    var all = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      all.add(Vec.zero(g, "float", lanes));
    }
    return all;
  }

  // ---- Keys as they lie

  /// Keys that a tile of `rows` takes at a time.
  int narrowKeys(int rows) {
    return lanes / rows;
  }

  /// Emits a call: scores of `rows` query rows against [#narrowKeys] keys, `stride` elements apart. Keys behind key
  /// `last` are not read; their scores mean nothing.
  void dots(Fn f, int rows, String queries, String keys, String stride, String last, String to) {
    String name = name("dots" + rows);
    if (module.first(name)) {
      var g = module.outlined(name, "void", "ptr noalias readonly q", "ptr readonly k", "i64 stride", "i64 last",
          "ptr noalias to");
      dots(g, rows);
      g.end();
    }
    f.call("void", "@" + name, queries, keys, stride, last, to);
  }

  private void dots(Fn g, int rows) {
    int count = narrowKeys(rows);
    var keys = pointers(g, "%k", "%last", count);
    int whole = key.width() / lanes;
    int straight = whole <= STRAIGHT_MAX ? whole : 0;
    var sums = zeros(g, lanes);
    if (straight == 0) {
      sums = g.loop("0", Integer.toString(whole), 1, sums, (v, carried) -> {
        String at = g.mul(v, lanes);
        return products(g, rows, g.at("%q", "float", at),
            keys.stream().map(k -> g.at(k, stored(key), at)).toList(), 0, carried);
      });
    }
    for (int v = straight == 0 ? whole : 0; v < key.vectors(); v++) {
      sums = products(g, rows, "%q", keys, v, sums);
    }
    String all = Transpose.across(g, sums, g::fadd);
    for (int r = 0; r < rows; r++) {
      var part = new int[count];
      for (int i = 0; i < count; i++) {
        part[i] = r * count + i;
      }
      g.store(rows == 1 ? all : Vec.shuffle(g, all, all, part), g.at("%to", "float", (long) r * AttentionBlocks.KEYS));
    }
  }

  private List<String> products(Fn g, int rows, String q, List<String> keys, int vector, List<String> sums) {
    var next = new ArrayList<>(sums);
    var queries = new ArrayList<String>();
    for (int r = 0; r < rows; r++) {
      long at = (long) r * blocks.queryStride() + (long) vector * lanes;
      queries.add(g.load(Fn.vector("float", lanes), g.at(q, "float", at)));
    }
    for (int i = 0; i < keys.size(); i++) {
      String k = key.load(g, keys.get(i), vector);
      for (int r = 0; r < rows; r++) {
        int n = r * keys.size() + i;
        next.set(n, g.fma(queries.get(r), k, next.get(n)));
      }
    }
    return next;
  }

  // ---- Values

  /// Emits a call: adds to `rows` result rows the values of `count` keys, times their weights.
  void values(Fn f, int rows, String weights, String values, String stride, String count, String to) {
    String name = name("values" + rows);
    if (module.first(name)) {
      var g = module.outlined(name, "void", "ptr noalias readonly p", "ptr readonly v", "i64 stride", "i64 count",
          "ptr noalias to");
      int most = Math.min(SUMS_MIN, Math.max(lanes / rows, 2));
      for (int v = 0; v < value.vectors(); v += most) {
        columns(g, rows, v, Math.min(most, value.vectors() - v));
      }
      g.end();
    }
    f.call("void", "@" + name, weights, values, stride, count, to);
  }

  private void columns(Fn g, int rows, int first, int vectors) {
    int sets = Math.max(1, SUMS_MIN / (rows * vectors));
    var sums = zeros(g, rows * vectors * sets);
    int step = Math.max(sets, rows == 1 ? UNROLL : 2);
    String whole = g.binary("and", "%count", Integer.toString(-step));
    sums = g.loop("0", whole, step, sums, (i, carried) -> {
      var next = carried;
      for (int u = 0; u < step; u++) {
        next = key(g, rows, first, vectors, g.add(i, u), u % sets, next);
      }
      return next;
    });
    sums = g.loop(whole, "%count", 1, sums, (i, carried) -> key(g, rows, first, vectors, i, 0, carried));
    for (int n = 0; n < rows * vectors; n++) {
      String sum = sums.get(n);
      for (int s = 1; s < sets; s++) {
        sum = g.fadd(sum, sums.get(s * rows * vectors + n));
      }
      long at = (long) (n / vectors) * blocks.valueStride() + (long) (first + n % vectors) * lanes;
      String to = g.at("%to", "float", at);
      g.store(g.fadd(sum, g.load(Fn.vector("float", lanes), to)), to);
    }
  }

  private List<String> key(Fn g, int rows, int first, int vectors, String i, int set, List<String> sums) {
    var next = new ArrayList<>(sums);
    String row = g.at("%v", stored(value), g.mul(i, "%stride"));
    var values = new ArrayList<String>();
    for (int v = 0; v < vectors; v++) {
      values.add(value.load(g, row, first + v));
    }
    String weights = g.at("%p", "float", i);
    for (int r = 0; r < rows; r++) {
      String p = Vec.splat(g, g.load("float", g.at(weights, "float", (long) r * AttentionBlocks.KEYS)), lanes);
      for (int v = 0; v < vectors; v++) {
        int n = set * rows * vectors + r * vectors + v;
        next.set(n, g.fma(p, values.get(v), next.get(n)));
      }
    }
    return next;
  }
}
