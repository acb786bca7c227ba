package dev.deepstack.ir;

import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;

/// What composites over windows mean.
final class WindowExpansions {
  private WindowExpansions() {}

  /// The windows of every spatial axis, the taps behind all positions, as rows of a linear layer.
  static Value convolution(Graph g, Op.Convolution op) {
    int space = op.strides().size();
    Value x = windows(g, op);
    long groups = op.groups();
    Dim inner = op.w().type().dim(-1);
    if (groups > 1 && inner.is(1) && op.w().type().dim(0).is(groups)) {
      return channelwise(g, op, x);
    }
    if (groups > 1) {
      return grouped(g, op);
    }
    // [n, e0, k0, e1, k1 …, c] -> [n, e…, k…, c]
    var order = new ArrayList<Integer>();
    order.add(0);
    for (int i = 0; i < space; i++) {
      order.add(1 + 2 * i);
    }
    for (int i = 0; i < space; i++) {
      order.add(2 + 2 * i);
    }
    order.add(1 + 2 * space);
    Dim taps = op.w().type().shape().elements().floorDiv(op.w().type().dim(0));
    var rows = new ArrayList<>(op.infer().shape().dims().subList(0, space + 1));
    rows.add(taps);
    Value patches = g.add(new Op.Reshape(g.add(new Op.Permute(x, order)), new Shape(rows)));
    Value w = g.add(new Op.Reshape(op.w(), Shape.of(op.w().type().dim(0), taps)));
    return g.add(new Op.Linear(patches, w, null));
  }

  /// Every channel by itself: `[n, e0, k0, e1, k1 …, c]` times `[k0, 1, k1 …, c]`, summed over the taps.
  private static Value channelwise(Graph g, Op.Convolution op, Value x) {
    int space = op.strides().size();
    var order = new ArrayList<Integer>();
    var dims = new ArrayList<Dim>();
    var taps = new ArrayList<Integer>();
    for (int i = 0; i < space; i++) {
      order.add(i + 1);
      dims.add(Dim.ONE);
      dims.add(op.w().type().dim(i + 1));
      taps.add(2 + 2 * i);
    }
    order.add(0);
    order.add(space + 1);
    dims.add(op.w().type().dim(0));
    Value w = g.cast(g.add(new Op.Permute(op.w(), order)), x.type().dtype());
    Value product = g.add(new Op.Mul(x, g.add(new Op.Reshape(w, new Shape(dims)))));
    return g.add(new Op.ReduceSum(product, taps, false));
  }

  private static Value grouped(Graph g, Op.Convolution op) {
    int last = op.x().type().rank() - 1;
    Dim in = op.w().type().dim(-1);
    Dim out = op.w().type().dim(0).floorDiv(op.groups());
    var parts = new ArrayList<Value>();
    for (int i = 0; i < op.groups(); i++) {
      Value x = g.add(new Op.Slice(op.x(), last, in.times(i), in, 1));
      Value w = g.add(new Op.Slice(op.w(), 0, out.times(i), out, 1));
      parts.add(g.add(new Op.Convolution(x, w, op.strides(), op.dilations(), op.low(), op.high(), 1)));
    }
    return g.add(new Op.Concat(parts, last));
  }

  private static Value windows(Graph g, Op.Convolution op) {
    int space = op.strides().size();
    Value x = op.x();
    boolean padded = op.low().stream().anyMatch(p -> p != 0) || op.high().stream().anyMatch(p -> p != 0);
    if (padded) {
      x = g.add(new Op.Pad(x, around(op.low()), around(op.high()), 0));
    }
    for (int i = 0; i < space; i++) {
      x = g.add(new Op.Windows(x, 1 + 2 * i, op.infer().dim(i + 1), op.w().type().dim(i + 1).constant(),
          op.strides().get(i), op.dilations().get(i)));
    }
    return x;
  }

  private static List<Dim> around(List<Integer> spatial) {
    var dims = new ArrayList<Dim>();
    dims.add(Dim.ZERO);
    spatial.forEach(p -> dims.add(Dim.of(p)));
    dims.add(Dim.ZERO);
    return dims;
  }
}
