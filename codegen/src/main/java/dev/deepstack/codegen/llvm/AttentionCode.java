package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/// Attention, one query row at a time: scores, their softmax, and the weighted sum of values. Keys behind the last one
/// that mask or causality allow are not read. Threads share out the rows of all heads.
final class AttentionCode {
  private final KernelCode code;
  private final Fn f;
  private final Kernel.Attention kernel;
  private final Shape batch;

  AttentionCode(KernelCode code, Kernel.Attention kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
    var dims = kernel.out().shape().dims();
    batch = new Shape(dims.subList(0, dims.size() - 2));
  }

  void emit() {
    var counters = new ArrayList<Dim>();
    Dim total = Dim.ONE;
    for (Dim extent : batch.dims()) {
      counters.add(code.indexing.counter(extent));
      total = total.times(extent);
    }
    Dim t = code.indexing.counter(kernel.q().shape().dim(-2));
    total = total.times(kernel.q().shape().dim(-2));
    var all = new ArrayList<>(counters);
    all.add(t);
    Dim keys = kernel.k().shape().dim(-2);
    // Rows of scores are a cache line apart, so that threads do not share lines.
    String row = f.add(code.index(keys), 16);
    String scores = f.at(code.buffer(kernel.scratch()), "float", f.mul(row, "%thread"));
    String[] share = code.share(code.index(total));
    f.loop(share[0], share[1], 1, item -> {
      code.unflatten(item, all);
      row(counters, t, scores);
    });
  }

  private void row(List<Dim> head, Dim t, String scores) {
    String end = end(head, t);
    String max = f.loop("0", end, 1, List.of(Fn.f32(Float.NEGATIVE_INFINITY)), (i, best) -> {
      Dim s = code.named(i);
      String score = f.fmul(dot(head, t, s), Fn.f32((float) kernel.scale()));
      score = masked(score, head, t, s);
      f.store(score, f.at(scores, "float", i));
      return List.of(f.fmax(best.getFirst(), score));
    }).getFirst();
    String open = f.fcmp("une", max, Fn.f32(Float.NEGATIVE_INFINITY));
    f.when(open, () -> {
      String inverse = f.fdiv(Fn.f32(1), exponentials(scores, end, max));
      values(head, t, scores, end, inverse);
    }, () -> values(head, t, scores, "0", "float 0.0"));
  }

  /// One past the last key that can matter.
  private String end(List<Dim> head, Dim t) {
    String keys = code.index(kernel.k().shape().dim(-2));
    String end = kernel.causal() ? f.min(f.add(code.index(t), 1), keys) : keys;
    Operand mask = kernel.mask();
    if (mask == null || mask.dtype() != DType.BOOL) {
      return end;
    }
    String last = f.variable("i64", end);
    f.whileLoop(g -> {
      String n = g.load("i64", last);
      String before = g.max(g.sub(n, "1"), "0");
      String closed = g.icmp("eq", g.load("i8", code.address(mask, maskAt(mask, head, t, code.named(before)))), "0");
      return g.binary("and", g.icmp("sgt", n, "0"), closed);
    }, () -> f.store(f.sub(f.load("i64", last), "1"), last));
    return f.load("i64", last);
  }

  private Dim maskAt(Operand mask, List<Dim> head, Dim t, Dim s) {
    var index = new ArrayList<>(head);
    index.add(t);
    index.add(s);
    return mask.at(Indexing.broadcast(index, mask.shape()));
  }

  private String masked(String score, List<Dim> head, Dim t, Dim s) {
    Operand mask = kernel.mask();
    if (mask == null) {
      return score;
    }
    String m = Registers.load(f, mask.dtype(), code.address(mask, maskAt(mask, head, t, s)), 1);
    return mask.dtype() == DType.BOOL
        ? f.select(m, score, Fn.f32(Float.NEGATIVE_INFINITY))
        : f.fadd(score, Arithmetic.cast(f, mask.dtype(), DType.F32, m));
  }

  private List<Dim> at(Operand operand, List<Dim> head, Dim row, Dim column) {
    var index = new ArrayList<>(head);
    index.add(row);
    index.add(column);
    return Indexing.broadcast(index, operand.shape());
  }

  private String dot(List<Dim> head, Dim t, Dim s) {
    Operand q = kernel.q();
    Operand k = kernel.k();
    boolean even = q.strides().getLast().is(1) && k.strides().getLast().is(1);
    String d = code.index(q.shape().dim(-1));
    String whole = even ? whole(q.shape().dim(-1), d) : "0";
    String sum = "float 0.0";
    if (even) {
      sum = Vec.reduceAdd(f, f.loop("0", whole, code.lanes,
          List.of(Arithmetic.spread(f, sum, code.lanes)), (i, acc) -> List.of(
              product(head, t, s, code.named(i), code.lanes, acc.getFirst()))).getFirst());
    }
    return f.loop(whole, d, 1, List.of(sum), (i, acc) -> List.of(
        product(head, t, s, code.named(i), 1, acc.getFirst()))).getFirst();
  }

  private String whole(Dim extent, String value) {
    return extent.isConstant() ? Long.toString(extent.constant() & -code.lanes)
        : f.binary("and", value, Integer.toString(-code.lanes));
  }

  private String product(List<Dim> head, Dim t, Dim s, Dim i, int lanes, String sum) {
    Operand q = kernel.q();
    Operand k = kernel.k();
    String a = Registers.load(f, q.dtype(), code.address(q, q.at(at(q, head, t, i))), lanes);
    String b = Registers.load(f, k.dtype(), code.address(k, k.at(at(k, head, s, i))), lanes);
    return f.fma(a, b, sum);
  }

  /// Replaces scores by exponentials relative to the maximum and returns their sum.
  private String exponentials(String scores, String end, String max) {
    int lanes = code.lanes;
    String whole = f.binary("and", end, Integer.toString(-lanes));
    String sum = Vec.reduceAdd(f, f.loop("0", whole, lanes, List.of(Arithmetic.spread(f, "float 0.0", lanes)),
        (i, acc) -> List.of(exponential(scores, i, max, lanes, acc.getFirst()))).getFirst());
    return f.loop(whole, end, 1, List.of(sum),
        (i, acc) -> List.of(exponential(scores, i, max, 1, acc.getFirst()))).getFirst();
  }

  private String exponential(String scores, String i, String max, int lanes, String sum) {
    String at = f.at(scores, "float", i);
    String x = f.fsub(f.load(Fn.vector("float", lanes), at), Arithmetic.spread(f, max, lanes));
    String e = MathLib.exp(f, x);
    f.store(e, at);
    return f.fadd(sum, e);
  }

  private void values(List<Dim> head, Dim t, String scores, String end, String inverse) {
    Operand v = kernel.v();
    Dim width = v.shape().dim(-1);
    boolean even = v.strides().getLast().is(1);
    String n = code.index(width);
    String whole = even ? whole(width, n) : "0";
    if (even) {
      f.loop("0", whole, code.lanes, i -> column(head, t, scores, end, inverse, code.named(i), code.lanes));
    }
    f.loop(whole, n, 1, i -> column(head, t, scores, end, inverse, code.named(i), 1));
  }

  private void column(
      List<Dim> head, Dim t, String scores, String end, String inverse, Dim column, int lanes) {
    Operand v = kernel.v();
    Operand out = kernel.out();
    String sum = f.loop("0", end, 1, List.of(Arithmetic.spread(f, "float 0.0", lanes)), (i, acc) -> {
      String p = Arithmetic.spread(f, f.load("float", f.at(scores, "float", i)), lanes);
      String x = Registers.load(f, v.dtype(), code.address(v, v.at(at(v, head, code.named(i), column))), lanes);
      return List.of(f.fma(p, x, acc.getFirst()));
    }).getFirst();
    var index = new ArrayList<>(head);
    index.add(t);
    index.add(column);
    Registers.store(f, out.dtype(), f.fmul(sum, Arithmetic.spread(f, inverse, lanes)),
        code.address(out, out.at(index)));
  }

}
