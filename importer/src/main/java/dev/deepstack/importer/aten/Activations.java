package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// Nonlinearities. Those with an op of their own stay whole; the others are computed in f32 at least.
final class Activations {
  private static final double SELU_ALPHA = 1.6732632423543772;
  private static final double SELU_SCALE = 1.0507009873554805;

  private Activations() {}

  static void add(Operators.Builder table) {
    Unaries.function(table, "silu", c -> x -> c.e.of(new Op.Silu(x)));
    Unaries.function(table, "gelu",
        c -> x -> c.e.of(new Op.Gelu(x, c.text("approximate", "none").equals("tanh"))));
    Unaries.function(table, "relu", c -> x -> c.e.of(new Op.Max(x, c.e.constant(0, x))));
    Unaries.function(table, "relu6", c -> x -> clamp(c.e, x, 0, 6));
    Unaries.function(table, "hardtanh",
        c -> x -> clamp(c.e, x, c.number("min_val", -1), c.number("max_val", 1)));
    wide(table, "hardsigmoid", c -> x -> hardSigmoid(c.e, x));
    wide(table, "hardswish", c -> x -> c.e.mul(x, hardSigmoid(c.e, x)));
    wide(table, "leaky_relu", c -> x -> leaky(c.e, x, c.number("negative_slope", 0.01)));
    wide(table, "elu", c -> x ->
        elu(c.e, x, c.number("alpha", 1), c.number("scale", 1), c.number("input_scale", 1)));
    wide(table, "celu", c -> x -> elu(c.e, x, c.number("alpha", 1), 1, 1 / c.number("alpha", 1)));
    wide(table, "selu", c -> x -> elu(c.e, x, SELU_ALPHA, SELU_SCALE, 1));
    wide(table, "softplus", c -> x -> softplus(c.e, x, c.number("beta", 1), c.number("threshold", 20)));
    wide(table, "mish", c -> x -> c.e.mul(x, c.e.of(new Op.Tanh(softplus(c.e, x, 1, 20)))));
    wide(table, "log_sigmoid", c -> x -> logSigmoid(c.e, x));
    wide(table, "softsign", c -> x -> c.e.div(x, c.e.add(c.e.of(new Op.Abs(x)), 1)));
    wide(table, "softshrink", c -> x -> shrink(c.e, x, c.number("lambd", 0.5), true));
    wide(table, "hardshrink", c -> x -> shrink(c.e, x, c.number("lambd", 0.5), false));
    Unaries.function(table, "threshold", c -> x -> c.e.select(
        c.e.greater(x, c.number("threshold", 0)), x, c.e.constant(c.number("value", 0), x)));
    table.aten("glu", Activations::glu)
        .aten("prelu _prelu_kernel", Activations::prelu)
        .aten("softmax _softmax special_softmax", c -> softmax(c, false))
        .aten("_safe_softmax", Activations::safeSoftmax)
        .aten("softmin", c -> softmax(c, true))
        .aten("log_softmax _log_softmax special_log_softmax", Activations::logSoftmax);
  }

  private static void wide(Operators.Builder table, String names, Function<Call, UnaryOperator<Value>> f) {
    Unaries.function(table, names, c -> x -> f.apply(c).apply(c.e.widen(x)));
  }

  private static Value clamp(Emit e, Value x, double low, double high) {
    return e.of(new Op.Min(e.of(new Op.Max(x, e.constant(low, x))), e.constant(high, x)));
  }

  private static Value hardSigmoid(Emit e, Value x) {
    return e.div(clamp(e, e.add(x, 3), 0, 6), e.constant(6, x));
  }

  private static Value leaky(Emit e, Value x, double slope) {
    return e.select(e.greater(x, 0), x, e.mul(x, slope));
  }

  private static Value elu(Emit e, Value x, double alpha, double scale, double inputScale) {
    Value below = e.mul(e.of(new Op.Expm1(e.mul(x, inputScale))), alpha * scale);
    return e.select(e.greater(x, 0), e.mul(x, scale), below);
  }

  private static Value softplus(Emit e, Value x, double beta, double threshold) {
    Value scaled = beta == 1 ? x : e.mul(x, beta);
    Value curve = e.of(new Op.Log1p(e.of(new Op.Exp(scaled))));
    return e.select(e.greater(scaled, threshold), x, beta == 1 ? curve : e.div(curve, e.constant(beta, x)));
  }

  private static Value logSigmoid(Emit e, Value x) {
    Value low = e.of(new Op.Min(x, e.constant(0, x)));
    Value distance = e.of(new Op.Neg(e.of(new Op.Abs(x))));
    return e.sub(low, e.of(new Op.Log1p(e.of(new Op.Exp(distance)))));
  }

  private static Value shrink(Emit e, Value x, double lambda, boolean soft) {
    Value zero = e.constant(0, x);
    Value high = soft ? e.add(x, -lambda) : x;
    Value low = soft ? e.add(x, lambda) : x;
    return e.select(e.greater(x, lambda), high, e.select(e.less(x, -lambda), low, zero));
  }

  private static void glu(Call c) {
    Value x = c.tensor("self");
    int axis = c.axis("dim", -1, x.type().rank());
    var half = c.shape().dim(axis);
    Value a = c.e.slice(x, axis, Dim.ZERO, half, 1);
    Value b = c.e.slice(x, axis, half, half, 1);
    c.set(c.e.mul(a, c.e.of(new Op.Sigmoid(b))));
  }

  private static void prelu(Call c) {
    Value x = c.tensor("self");
    Value slope = c.e.cast(c.tensor("weight"), x.type().dtype());
    if (slope.type().rank() == 1 && x.type().rank() > 1) {
      var dims = new ArrayList<>(slope.type().shape().dims());
      for (int i = 2; i < x.type().rank(); i++) {
        dims.add(Dim.ONE);
      }
      slope = c.e.reshape(slope, dims);
    }
    c.set(c.e.select(c.e.greater(x, 0), x, c.e.mul(x, slope)));
  }

  private static void softmax(Call c, boolean negated) {
    Value x = c.e.cast(c.tensor("self"), c.dtype());
    if (x.type().rank() == 0) {
      c.set(c.e.constant(1, x));
      return;
    }
    int axis = c.axis("dim", -1, x.type().rank());
    c.set(c.e.of(new Op.Softmax(negated ? c.e.of(new Op.Neg(x)) : x, axis)));
  }

  /// As softmax, but a row of nothing but minus infinity gives zeros.
  private static void safeSoftmax(Call c) {
    Emit e = c.e;
    Value x = e.cast(c.tensor("self"), c.dtype());
    int axis = c.axis("dim", -1, x.type().rank());
    Value max = e.of(new Op.ReduceMax(x, List.of(axis), true));
    Value open = e.greater(max, Double.NEGATIVE_INFINITY);
    c.set(e.select(open, e.of(new Op.Softmax(x, axis)), e.constant(0, x)));
  }

  private static void logSoftmax(Call c) {
    Emit e = c.e;
    Value x = e.widen(e.cast(c.tensor("self"), c.dtype()));
    if (x.type().rank() == 0) {
      c.set(e.constant(0, x));
      return;
    }
    var axes = List.of(c.axis("dim", -1, x.type().rank()));
    Value low = e.sub(x, e.of(new Op.ReduceMax(x, axes, true)));
    Value sum = e.of(new Op.ReduceSum(e.of(new Op.Exp(low)), axes, true));
    c.set(e.sub(low, e.of(new Op.Log(sum))));
  }
}
