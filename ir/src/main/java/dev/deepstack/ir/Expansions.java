package dev.deepstack.ir;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// What the composites mean, each as the ops one would write by hand.
final class Expansions {
  private Expansions() {}

  static Value softmax(Graph g, Op.Softmax op) {
    Value x = op.x();
    int axis = x.type().shape().axis(op.axis());
    Value wide = widen(g, x);
    Value max = g.add(new Op.ReduceMax(wide, List.of(axis), true));
    Value e = g.add(new Op.Exp(g.add(new Op.Sub(wide, max))));
    Value sum = g.add(new Op.ReduceSum(e, List.of(axis), true));
    return g.cast(g.add(new Op.Div(e, sum)), x.type().dtype());
  }

  static Value silu(Graph g, Op.Silu op) {
    Value x = widen(g, op.x());
    return g.cast(g.add(new Op.Mul(x, g.add(new Op.Sigmoid(x)))), op.x().type().dtype());
  }

  static Value gelu(Graph g, Op.Gelu op) {
    Value x = widen(g, op.x());
    Value half = g.add(new Op.Mul(x, g.constant(0.5, x)));
    Value inner;
    if (op.tanh()) {
      Value cube = g.add(new Op.Mul(g.add(new Op.Mul(x, x)), x));
      Value sum = g.add(new Op.Add(x, g.add(new Op.Mul(cube, g.constant(0.044715, x)))));
      inner = g.add(new Op.Tanh(g.add(new Op.Mul(sum, g.constant(Math.sqrt(2 / Math.PI), x)))));
    } else {
      inner = g.add(new Op.Erf(g.add(new Op.Mul(x, g.constant(Math.sqrt(0.5), x)))));
    }
    Value y = g.add(new Op.Mul(half, g.add(new Op.Add(inner, g.constant(1, x)))));
    return g.cast(y, op.x().type().dtype());
  }

  static Value rmsNorm(Graph g, Op.RmsNorm op) {
    Value wide = widen(g, op.x());
    Value scale = inverseRoot(g, meanOfSquares(g, wide), op.epsilon());
    return scaleShift(g, g.add(new Op.Mul(wide, scale)), op.weight(), null, op.x().type().dtype());
  }

  static Value layerNorm(Graph g, Op.LayerNorm op) {
    Value wide = widen(g, op.x());
    Value centred = g.add(new Op.Sub(wide, mean(g, wide)));
    Value scale = inverseRoot(g, meanOfSquares(g, centred), op.epsilon());
    return scaleShift(g, g.add(new Op.Mul(centred, scale)), op.weight(), op.bias(), op.x().type().dtype());
  }

  private static Value scaleShift(
      Graph g, Value x, @Nullable Value weight, @Nullable Value bias, DType dtype) {
    Value y = x;
    if (weight != null) {
      y = g.add(new Op.Mul(y, g.cast(weight, x.type().dtype())));
    }
    if (bias != null) {
      y = g.add(new Op.Add(y, g.cast(bias, x.type().dtype())));
    }
    return g.cast(y, dtype);
  }

  private static Value meanOfSquares(Graph g, Value x) {
    return mean(g, g.add(new Op.Mul(x, x)));
  }

  private static Value mean(Graph g, Value x) {
    int last = x.type().rank() - 1;
    Value sum = g.add(new Op.ReduceSum(x, List.of(last), true));
    Value count = g.cast(g.add(new Op.DimValue(x.type().dim(last))), x.type().dtype());
    return g.add(new Op.Div(sum, count));
  }

  private static Value inverseRoot(Graph g, Value variance, double epsilon) {
    return g.add(new Op.Rsqrt(g.add(new Op.Add(variance, g.constant(epsilon, variance)))));
  }

  /// Narrow floats as f32, where several ops follow each other.
  private static Value widen(Graph g, Value x) {
    DType dtype = x.type().dtype();
    return dtype.isFloat() && dtype.bytes() < 4 ? g.cast(x, DType.F32) : x;
  }

  static Value linear(Graph g, Op.Linear op) {
    Value x = op.x();
    boolean vector = x.type().rank() == 1;
    Value rows = vector ? g.add(new Op.Reshape(x, Shape.of(Dim.ONE, x.type().dim(0)))) : x;
    Value w = g.add(new Op.Permute(g.cast(op.w(), x.type().dtype()), List.of(1, 0)));
    Value y = g.add(new Op.MatMul(rows, w));
    if (vector) {
      y = g.add(new Op.Reshape(y, op.infer().shape()));
    }
    return op.bias() == null ? y : g.add(new Op.Add(y, g.cast(op.bias(), x.type().dtype())));
  }

  static Value rope(Graph g, Op.Rope op) {
    Value x = op.x();
    int last = x.type().rank() - 1;
    Dim half = x.type().dim(last).floorDiv(2);
    if (op.layout() == Op.RopeLayout.HALVES) {
      Value low = g.add(new Op.Slice(x, last, Dim.ZERO, half, 1));
      Value high = g.add(new Op.Slice(x, last, half, half, 1));
      Value turned = g.add(new Op.Concat(List.of(g.add(new Op.Neg(high)), low), last));
      return g.add(new Op.Add(g.add(new Op.Mul(x, op.cos())), g.add(new Op.Mul(turned, op.sin()))));
    }
    Value even = g.add(new Op.Slice(x, last, Dim.ZERO, half, 2));
    Value odd = g.add(new Op.Slice(x, last, Dim.ONE, half, 2));
    Value a = g.add(new Op.Sub(g.add(new Op.Mul(even, op.cos())), g.add(new Op.Mul(odd, op.sin()))));
    Value b = g.add(new Op.Add(g.add(new Op.Mul(even, op.sin())), g.add(new Op.Mul(odd, op.cos()))));
    var pair = new ArrayList<>(a.type().shape().dims());
    pair.add(Dim.ONE);
    Value ab = g.add(new Op.Concat(
        List.of(g.add(new Op.Reshape(a, new Shape(pair))), g.add(new Op.Reshape(b, new Shape(pair)))), last + 1));
    return g.add(new Op.Reshape(ab, a.type().shape().with(last, half.times(2))));
  }

  static Value attention(Graph g, Op.Attention op) {
    Value q = op.q();
    DType dtype = q.type().dtype();
    // Scores of narrow floats are not rounded before the softmax.
    Value scores = g.add(new Op.MatMul(widen(g, q), g.add(transpose(widen(g, op.k())))));
    scores = g.add(new Op.Mul(scores, g.constant(op.scale(), scores)));
    Value blocked = g.constant(Double.NEGATIVE_INFINITY, scores);
    if (op.causal()) {
      Value t = column(g, q.type().dim(-2));
      Value s = g.add(new Op.Iota(op.k().type().dim(-2)));
      scores = g.add(new Op.Select(g.add(new Op.Le(s, t)), scores, blocked));
    }
    if (op.mask() != null) {
      scores = op.mask().type().dtype() == DType.BOOL
          ? g.add(new Op.Select(op.mask(), scores, blocked))
          : g.add(new Op.Add(scores, g.cast(op.mask(), scores.type().dtype())));
    }
    int last = scores.type().rank() - 1;
    Value max = g.add(new Op.ReduceMax(scores, List.of(last), true));
    // A row without any allowed key: its maximum is -inf, its weights are 0 and not NaN.
    Value open = g.add(new Op.Gt(max, blocked));
    Value zero = g.constant(0, scores);
    Value e = g.add(new Op.Exp(g.add(new Op.Sub(scores, g.add(new Op.Select(open, max, zero))))));
    Value sum = g.add(new Op.ReduceSum(e, List.of(last), true));
    Value weights = g.add(new Op.Div(e, g.add(new Op.Select(open, sum, g.constant(1, scores)))));
    return g.add(new Op.MatMul(g.cast(weights, dtype), op.v()));
  }

  private static Op transpose(Value x) {
    var axes = new ArrayList<>(Shapes.range(x.type().rank()));
    int last = axes.size() - 1;
    axes.set(last, last - 1);
    axes.set(last - 1, last);
    return new Op.Permute(x, axes);
  }

  private static Value column(Graph g, Dim extent) {
    return g.add(new Op.Reshape(g.add(new Op.Iota(extent)), Shape.of(extent, Dim.ONE)));
  }

  static Value gatedMlp(Graph g, Op.GatedMlp op) {
    Value gate = g.add(new Op.Linear(op.x(), op.gate(), null));
    Value up = g.add(new Op.Linear(op.x(), op.up(), null));
    Value hidden = g.add(new Op.Mul(g.activation(op.activation(), gate), up));
    return g.add(new Op.Linear(hidden, op.down(), null));
  }

  static Value routedLinear(Graph g, Op.RoutedLinear op) {
    Value x = op.x();
    TensorType ids = op.ids().type();
    Value w = g.cast(g.add(new Op.Gather(op.w(), op.ids(), 0)), x.type().dtype());
    Dim k = x.type().rank() == 3 ? ids.dim(1) : Dim.ONE;
    Value column = g.add(new Op.Reshape(x, Shape.of(ids.dim(0), k, x.type().dim(-1), Dim.ONE)));
    return g.add(new Op.Reshape(g.add(new Op.MatMul(w, column)), op.infer().shape()));
  }

  static Value routedExperts(Graph g, Op.RoutedExperts op) {
    Value both = g.add(new Op.RoutedLinear(op.x(), op.gateUp(), op.ids()));
    Dim f = op.down().type().dim(2);
    Value gate = g.add(new Op.Slice(both, 2, Dim.ZERO, f, 1));
    Value up = g.add(new Op.Slice(both, 2, f, f, 1));
    Value hidden = g.add(new Op.Mul(g.activation(op.activation(), gate), up));
    Value y = g.add(new Op.RoutedLinear(hidden, op.down(), op.ids()));
    TensorType gates = op.gates().type();
    Value weights = g.add(new Op.Reshape(op.gates(), Shape.of(gates.dim(0), gates.dim(1), Dim.ONE)));
    return g.add(new Op.ReduceSum(g.add(new Op.Mul(y, g.cast(weights, y.type().dtype()))), List.of(1), false));
  }
}
