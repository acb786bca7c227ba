package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.codegen.tile.PagedBlocks;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.jspecify.annotations.Nullable;

/// Attention of one token and a few query heads over the pages of its sequence: all scores, their softmax, the weighted
/// sum of values. Keys come in blocks of as many as a vector has lanes, which lie in one page. Threads share out tokens
/// and heads.
final class PagedAttentionCode {
  private final KernelCode code;
  private final Fn f;
  private final Kernel.PagedAttention kernel;
  private final Op.PagedAttention op;
  private final int lanes;
  private final int headsMost;
  private final String floats;
  private final String queries;
  private final String sums;
  private final String inverses;
  private final String scores;
  private final String scoreStride;

  PagedAttentionCode(KernelCode code, Kernel.PagedAttention kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
    op = kernel.op();
    lanes = code.lanes;
    headsMost = PagedBlocks.heads(op);
    floats = Fn.vector("float", lanes);
    scoreStride = code.index(PagedBlocks.scoreStride(op));
    queries = f.at(code.buffer(kernel.scratch()), "float", f.mul(code.index(PagedBlocks.floats(op)), "%thread"));
    sums = f.at(queries, "float", headsMost * PagedBlocks.queryStride(op));
    inverses = f.at(sums, "float", headsMost * PagedBlocks.valueStride(op));
    scores = f.at(inverses, "float", 16);
  }

  /// What a unit of work is about, as i64 values: positions `begin..end`, of which blocks begin at `first`.
  private record Unit(
      Dim token, Dim group, String head, String count, String sequence, String begin, String end, String first) {}

  void emit() {
    int sharing = PagedBlocks.sharing(op);
    int blocks = (sharing + headsMost - 1) / headsMost;
    Dim t = code.indexing.counter(kernel.q().shape().dim(0));
    Dim g = code.indexing.counter(kernel.k().shape().dim(1));
    Dim b = code.indexing.counter(Dim.of(blocks));
    Dim total = kernel.q().shape().dim(0).times(kernel.k().shape().dim(1)).times(blocks);
    String[] share = code.share(code.index(total));
    f.loop(share[0], share[1], 1, item -> {
      code.unflatten(item, List.of(t, g, b));
      String inGroup = f.mul(code.index(b), headsMost);
      String count = f.min(f.sub(Integer.toString(sharing), inGroup), Integer.toString(headsMost));
      String head = f.add(f.mul(code.index(g), sharing), inGroup);
      String sequence = code.checked(load(kernel.sequences(), List.of(t)), kernel.pages().shape().dim(0));
      String position = code.checked(load(kernel.positions(), List.of(t)),
          kernel.pages().shape().dim(1).times(op.pageSize()));
      String end = f.add(position, 1);
      String begin = op.window() == 0 ? "0" : f.max(f.sub(end, Long.toString(op.window())), "0");
      String first = op.window() == 0 ? "0" : f.binary("and", begin, Integer.toString(-lanes));
      var unit = new Unit(t, g, head, count, sequence, begin, end, first);
      scaleQueries(unit);
      score(unit);
      softmax(unit);
      weigh(unit);
      store(unit);
    });
  }

  private String load(Operand operand, List<Dim> index) {
    return Registers.load(f, operand.dtype(), code.address(operand, operand.at(index)), 1);
  }

  private String at(String base, String row, long stride) {
    return f.at(base, "float", f.mul(row, stride));
  }

  /// Whole vectors of an axis, then the rest under a mask: `use` gets the offset and the mask, empty for none.
  private void vectors(long width, BiConsumer<String, String> use) {
    long whole = width / lanes * lanes;
    if (whole > 0) {
      f.loop("0", Long.toString(whole), lanes, d -> use.accept(d, ""));
    }
    if (whole < width) {
      use.accept(Long.toString(whole), Vec.firstLanes(f, Long.toString(width - whole), lanes));
    }
  }

  private String read(DType dtype, String pointer, String mask) {
    String stored = Fn.vector(Registers.stored(dtype), lanes);
    String raw = mask.isEmpty() ? f.load(stored, pointer) : Vec.maskedLoad(f, stored, pointer, mask);
    return switch (dtype) {
      case F32 -> raw;
      case BF16 -> Formats.bf16ToF32(f, raw);
      case F16 -> f.cast("fpext", f.cast("bitcast", raw, Fn.vector("half", lanes)), "float");
      case I8 -> f.cast("sitofp", raw, "float");
      default -> throw new IllegalStateException("no cache of " + dtype);
    };
  }

  private void scaleQueries(Unit unit) {
    Operand q = kernel.q();
    f.loop("0", unit.count, 1, h -> {
      Dim head = code.named(f.add(unit.head, h));
      String from = code.address(q, q.at(List.of(unit.token, head, Dim.ZERO)));
      String to = at(queries, h, PagedBlocks.queryStride(op));
      String scale = Vec.splatConstant(f, "float", FnText.bare(Fn.f32((float) op.scale())), lanes);
      vectors(q.shape().dim(2).constant(), (d, mask) -> f.store(
          f.fmul(read(DType.F32, f.at(from, "float", d), mask), scale), f.at(to, "float", d)));
    });
  }

  /// The slot of a block's first position, checked.
  private String slot(Unit unit, String position) {
    String page = f.div(position, op.pageSize());
    String id = load(kernel.pages(), List.of(code.named(unit.sequence), code.named(page)));
    Dim pages = kernel.k().shape().dim(0).floorDiv(op.pageSize());
    return f.add(f.mul(code.checked(id, pages), op.pageSize()), f.mod(position, op.pageSize()));
  }

  private String address(Operand cache, Unit unit, String slot) {
    return code.address(cache, cache.at(List.of(code.named(slot), unit.group, Dim.ZERO)));
  }

  private void score(Unit unit) {
    Operand k = kernel.k();
    String stride = code.index(k.strides().get(0));
    f.loop(unit.first, unit.end, lanes, p -> {
      String slot = slot(unit, p);
      String keys = address(k, unit, slot);
      String ahead = address(k, unit, slot(unit, ahead(unit, p)));
      String factors = scales(kernel.kScale(), unit, slot);
      String place = f.add(Vec.splat(f, p, lanes), Vec.iota(f, "i64", lanes));
      String open = f.icmp("slt", place, Vec.splat(f, f.add(unit.end, "0"), lanes));
      if (op.window() != 0) {
        open = f.binary("and", open, f.icmp("sge", place, Vec.splat(f, unit.begin, lanes)));
      }
      String visible = open;
      f.loop("0", unit.count, 1, h -> {
        fetchKeys(ahead, stride, h);
        String dots = dots(at(queries, h, PagedBlocks.queryStride(op)), keys, stride);
        String scaled = capped(factors.isEmpty() ? dots : f.fmul(dots, factors));
        String closed = Vec.splatConstant(f, "float", FnText.bare(Fn.f32(Float.NEGATIVE_INFINITY)), lanes);
        f.store(f.select(visible, scaled, closed), scoreAt(h, f.sub(p, unit.first)));
      });
    });
  }

  private String capped(String scores) {
    if (op.cap() == 0) {
      return scores;
    }
    String cap = Vec.splatConstant(f, "float", FnText.bare(Fn.f32((float) op.cap())), lanes);
    String part = Vec.splatConstant(f, "float", FnText.bare(Fn.f32((float) (1 / op.cap()))), lanes);
    return f.fmul(MathLib.tanh(f, f.fmul(scores, part)), cap);
  }

  /// The block that is fetched while that of `p` is worked on: memory takes longer to answer than a block takes.
  private String ahead(Unit unit, String p) {
    int blocks = headsMost < 4 ? Tuning.PAGES_AHEAD_FEW_HEADS : Tuning.PAGES_AHEAD;
    String last = f.binary("and", f.sub(unit.end, "1"), Integer.toString(-lanes));
    return f.min(f.add(p, (long) blocks * lanes), last);
  }

  /// Each head fetches its part of the keys of a later block, so that requests are spread over the work.
  private void fetchKeys(String keys, String stride, String head) {
    DType dtype = kernel.k().dtype();
    String element = Registers.stored(dtype);
    long bytes = kernel.q().shape().dim(2).constant() * dtype.bytes();
    int rows = (lanes + headsMost - 1) / headsMost;
    for (int j = 0; j < rows; j++) {
      String row = f.at(keys, element, f.mul(stride, f.add(f.mul(head, rows), j)));
      for (long line = 0; line < bytes; line += 64) {
        f.prefetch(f.at(row, "i8", line), 2);
      }
    }
  }

  private String scoreAt(String head, String position) {
    return f.at(f.at(scores, "float", f.mul(head, scoreStride)), "float", position);
  }

  /// The scales of a block's slots as a vector, or nothing for a cache that has none.
  private String scales(@Nullable Operand scale, Unit unit, String slot) {
    if (scale == null) {
      return "";
    }
    String vector = Vec.zero(f, "float", lanes);
    for (int j = 0; j < lanes; j++) {
      String value = load(scale, List.of(code.named(f.add(slot, j)), unit.group));
      vector = Vec.insert(f, vector, value, j);
    }
    return vector;
  }

  /// Products of one query with a block of keys, one lane per key.
  private String dots(String query, String keys, String stride) {
    long width = kernel.q().shape().dim(2).constant();
    DType dtype = kernel.k().dtype();
    String element = Registers.stored(dtype);
    var rows = new ArrayList<String>();
    for (int j = 0; j < lanes; j++) {
      rows.add(f.at(keys, element, f.mul(stride, j)));
    }
    List<String> parts = new ArrayList<>(java.util.Collections.nCopies(lanes, Vec.zero(f, "float", lanes)));
    long whole = width / lanes * lanes;
    if (whole > 0) {
      parts = f.loop("0", Long.toString(whole), lanes, parts, (d, before) -> products(query, rows, d, "", before));
    }
    if (whole < width) {
      String mask = Vec.firstLanes(f, Long.toString(width - whole), lanes);
      parts = products(query, rows, Long.toString(whole), mask, parts);
    }
    return Across.sums(f, parts);
  }

  private List<String> products(String query, List<String> rows, String d, String mask, List<String> before) {
    DType dtype = kernel.k().dtype();
    String q = read(DType.F32, f.at(query, "float", d), mask);
    var sum = new ArrayList<String>();
    for (int j = 0; j < lanes; j++) {
      String key = read(dtype, f.at(rows.get(j), Registers.stored(dtype), d), mask);
      sum.add(f.fma(q, key, before.get(j)));
    }
    return sum;
  }

  private void softmax(Unit unit) {
    Operand sinks = kernel.sinks();
    f.loop("0", unit.count, 1, h -> {
      String length = f.sub(unit.end, unit.first);
      String lowest = Vec.splatConstant(f, "float", FnText.bare(Fn.f32(Float.NEGATIVE_INFINITY)), lanes);
      String most = f.loop("0", length, lanes, List.of(lowest), (p, best) -> List.of(
          f.fmaxFast(f.load(floats, scoreAt(h, p)), best.getFirst()))).getFirst();
      String max = Vec.reduceMax(f, most);
      String sink = sinks == null ? "" : load(sinks, List.of(code.named(f.add(unit.head, h))));
      String top = sink.isEmpty() ? max : f.fmaxFast(max, sink);
      String relative = Vec.splat(f, top, lanes);
      String sum = f.loop("0", length, lanes, List.of(Vec.zero(f, "float", lanes)), (p, total) -> {
        String e = MathLib.exp(f, f.fsub(f.load(floats, scoreAt(h, p)), relative));
        f.store(e, scoreAt(h, p));
        return List.of(f.fadd(total.getFirst(), e));
      }).getFirst();
      String all = Vec.reduceAdd(f, sum);
      all = sink.isEmpty() ? all : f.fadd(all, MathLib.exp(f, f.fsub(sink, top)));
      f.store(f.fdiv(Fn.f32(1), all), f.at(inverses, "float", h));
    });
  }

  private void weigh(Unit unit) {
    long stride = PagedBlocks.valueStride(op);
    f.loop("0", f.mul(unit.count, stride), lanes, i -> f.store(Vec.zero(f, "float", lanes), f.at(sums, "float", i)));
    String whole = f.add(f.binary("and", f.sub(unit.end, unit.first), Integer.toString(-lanes)), unit.first);
    f.loop(unit.first, whole, lanes, p -> block(unit, p, lanes));
    // What lies behind the last position is not ours to read, not even to multiply by 0.
    f.loop(whole, unit.end, 1, p -> block(unit, p, 1));
  }

  /// Adds the values of `keys` positions, times their weights.
  private void block(Unit unit, String p, int keys) {
    Operand v = kernel.v();
    String slot = slot(unit, p);
    String from = address(v, unit, slot);
    String stride = code.index(v.strides().get(0));
    if (kernel.vScale() != null) {
      scaleWeights(unit, p, slot, keys);
    }
    String element = Registers.stored(v.dtype());
    String ahead = keys == 1 ? "" : address(v, unit, slot(unit, ahead(unit, p)));
    vectors(v.shape().dim(2).constant(), (e, mask) -> {
      var values = new ArrayList<String>();
      for (int j = 0; j < keys; j++) {
        values.add(read(v.dtype(), f.at(f.at(from, element, f.mul(stride, j)), element, e), mask));
        if (keys > 1) {
          f.prefetch(f.at(f.at(ahead, element, f.mul(stride, j)), element, e), 2);
        }
      }
      f.loop("0", unit.count, 1, h -> {
        String to = f.at(at(sums, h, PagedBlocks.valueStride(op)), "float", e);
        String weights = scoreAt(h, f.sub(p, unit.first));
        String sum = f.load(floats, to);
        String other = Vec.zero(f, "float", lanes);
        for (int j = 0; j < keys; j++) {
          String weight = Vec.splat(f, f.load("float", f.at(weights, "float", j)), lanes);
          if (j % 2 == 0) {
            sum = f.fma(values.get(j), weight, sum);
          } else {
            other = f.fma(values.get(j), weight, other);
          }
        }
        f.store(keys == 1 ? sum : f.fadd(sum, other), to);
      });
    });
  }

  private void scaleWeights(Unit unit, String p, String slot, int keys) {
    for (int j = 0; j < keys; j++) {
      String scale = load(java.util.Objects.requireNonNull(kernel.vScale()),
          List.of(code.named(f.add(slot, j)), unit.group));
      int key = j;
      f.loop("0", unit.count, 1, h -> {
        String at = f.at(scoreAt(h, f.sub(p, unit.first)), "float", key);
        f.store(f.fmul(f.load("float", at), scale), at);
      });
    }
  }

  private void store(Unit unit) {
    Operand out = kernel.out();
    f.loop("0", unit.count, 1, h -> {
      Dim head = code.named(f.add(unit.head, h));
      String to = code.address(out, out.at(List.of(unit.token, head, Dim.ZERO)));
      String from = at(sums, h, PagedBlocks.valueStride(op));
      String inverse = Vec.splat(f, f.load("float", f.at(inverses, "float", h)), lanes);
      vectors(out.shape().dim(2).constant(), (e, mask) -> {
        String value = f.fmul(f.load(floats, f.at(from, "float", e)), inverse);
        if (mask.isEmpty()) {
          f.store(value, f.at(to, "float", e));
        } else {
          Vec.maskedStore(f, value, f.at(to, "float", e), mask);
        }
      });
    });
  }
}
