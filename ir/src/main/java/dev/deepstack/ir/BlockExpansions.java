package dev.deepstack.ir;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What the composites over stored blocks and cache pages mean.
final class BlockExpansions {
  private BlockExpansions() {}

  static Value scaleTiles(Graph g, Op.ScaleTiles op) {
    TensorType x = op.x().type();
    Value scales = op.scales();
    int last = x.rank() - 1;
    scales = spread(g, scales, last - 1, op.rows(), x.dim(-2));
    scales = spread(g, scales, last, op.columns(), x.dim(-1));
    return g.add(new Op.Mul(g.cast(op.x(), DType.F32), scales));
  }

  /// Each element `times` times along an axis, cut to `extent`.
  private static Value spread(Graph g, Value x, int axis, int times, Dim extent) {
    Value place = g.add(new Op.FloorDiv(g.add(new Op.Iota(extent)), g.constant(times, DType.I64)));
    return g.add(new Op.Gather(x, place, axis));
  }

  static Value int8Blocks(Graph g, Op.Int8Blocks op) {
    TensorType type = op.x().type();
    var dims = new java.util.ArrayList<>(type.shape().dims());
    Dim groups = Dim.of(dims.removeLast().constant() / op.group());
    dims.add(groups);
    dims.add(Dim.of(op.group()));
    Value x = g.add(new Op.Reshape(op.x(), new Shape(dims)));
    Value largest = g.add(new Op.ReduceMax(g.add(new Op.Abs(x)), List.of(dims.size() - 1), true));
    Value most = g.constant(127, x);
    Value some = g.add(new Op.Gt(largest, g.constant(0, x)));
    Value inverse = g.add(new Op.Select(some, g.add(new Op.Div(most, largest)), g.constant(0, x)));
    Value codes = g.add(new Op.Round(g.add(new Op.Mul(x, inverse))));
    Value rounded = g.add(new Op.Mul(codes, g.add(new Op.Div(largest, most))));
    return g.add(new Op.Reshape(rounded, type.shape()));
  }

  static Value pagedAttention(Graph g, Op.PagedAttention op) {
    TensorType q = op.q().type();
    Dim heads = q.dim(1);
    Dim groups = op.k().type().dim(1);
    Dim each = Dim.of(heads.constant() / groups.constant());
    Value slots = slots(g, op);
    Value k = cached(g, op.k(), op.kScale(), slots);
    Value v = cached(g, op.v(), op.vScale(), slots);
    Value rows = g.add(new Op.Reshape(op.q(), Shape.of(q.dim(0), groups, each, q.dim(2))));
    Value scores = g.add(new Op.MatMul(rows, g.add(new Op.Permute(k, List.of(0, 1, 3, 2)))));
    scores = g.add(new Op.Mul(scores, g.constant(op.scale(), scores)));
    if (op.cap() > 0) {
      Value part = g.add(new Op.Tanh(g.add(new Op.Mul(scores, g.constant(1 / op.cap(), scores)))));
      scores = g.add(new Op.Mul(part, g.constant(op.cap(), part)));
    }
    Value blocked = g.constant(Double.NEGATIVE_INFINITY, scores);
    scores = g.add(new Op.Select(seen(g, op, slots.type().dim(1)), scores, blocked));
    Value max = g.add(new Op.ReduceMax(scores, List.of(3), true));
    Value sink = op.sinks() == null ? null
        : g.cast(g.add(new Op.Reshape(op.sinks(), Shape.of(groups, each, Dim.ONE))), DType.F32);
    max = sink == null ? max : g.add(new Op.Max(max, sink));
    Value e = g.add(new Op.Exp(g.add(new Op.Sub(scores, max))));
    Value sum = g.add(new Op.ReduceSum(e, List.of(3), true));
    if (sink != null) {
      sum = g.add(new Op.Add(sum, g.add(new Op.Exp(g.add(new Op.Sub(sink, max))))));
    }
    Value y = g.add(new Op.MatMul(g.add(new Op.Div(e, sum)), v));
    return g.add(new Op.Reshape(y, op.infer().shape()));
  }

  /// Slots of each token's sequence in order of position, `[T, N * pageSize]`.
  private static Value slots(Graph g, Op.PagedAttention op) {
    TensorType pages = op.pages().type();
    Dim size = Dim.of(op.pageSize());
    Value first = g.add(new Op.Mul(op.pages(), g.constant(op.pageSize(), op.pages())));
    Value column = g.add(new Op.Reshape(first, Shape.of(pages.dim(0), pages.dim(1), Dim.ONE)));
    Value all = g.add(new Op.Add(column, g.add(new Op.Iota(size))));
    Value flat = g.add(new Op.Reshape(all, Shape.of(pages.dim(0), pages.dim(1).times(size))));
    return g.add(new Op.Gather(flat, op.sequences(), 0));
  }

  /// The cache as each token sees it, `[T, G, positions, width]`.
  private static Value cached(Graph g, Value cache, @Nullable Value scale, Value slots) {
    Value rows = g.cast(g.add(new Op.Gather(cache, slots, 0)), DType.F32);
    if (scale != null) {
      Value factor = g.add(new Op.Gather(scale, slots, 0));
      var dims = new java.util.ArrayList<>(factor.type().shape().dims());
      dims.add(Dim.ONE);
      rows = g.add(new Op.Mul(rows, g.add(new Op.Reshape(factor, new Shape(dims)))));
    }
    return g.add(new Op.Permute(rows, List.of(0, 2, 1, 3)));
  }

  /// Whether a token sees a position, `[T, 1, 1, positions]`.
  private static Value seen(Graph g, Op.PagedAttention op, Dim positions) {
    Value last = g.add(new Op.Reshape(op.positions(), Shape.of(op.q().type().dim(0), Dim.ONE, Dim.ONE, Dim.ONE)));
    Value p = g.add(new Op.Iota(positions));
    Value seen = g.add(new Op.Le(p, last));
    if (op.window() > 0) {
      Value begin = g.add(new Op.Sub(last, g.constant(op.window(), last)));
      seen = g.add(new Op.And(seen, g.add(new Op.Gt(p, begin))));
    }
    return seen;
  }
}
