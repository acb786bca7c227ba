package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.is;
import static dev.deepstack.passes.Patterns.isLast;
import static dev.deepstack.passes.Patterns.near;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// `x * sigmoid(x) -> silu(x)`, the two Gaussian units, `exp(x - max) / sum -> softmax(x)`.
final class Activations {
  private static final double CUBIC = 0.044715;

  private Activations() {}

  static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.Mul(var x, Value(Op.Sigmoid(var y), _, _)) when x.equals(y) -> to.add(new Op.Silu(x));
      case Op.Mul(Value(Op.Sigmoid(var y), _, _), var x) when x.equals(y) -> to.add(new Op.Silu(x));
      case Op.Mul m -> gelu(m, to);
      case Op.Div(Value(Op.Exp(var shifted), _, _), var sum) -> softmax(op, shifted, sum, to);
      case Op.Div(var x, var d) -> sigmoid(x, d, to);
      // Between a narrow dtype and f32 and back: softmax works in f32 anyway.
      case Op.Cast(Value(Op.Softmax(var x, int axis), _, _), var dtype) -> {
        Value narrow = Patterns.narrow(to, x, dtype);
        yield narrow == null ? null : to.add(new Op.Softmax(narrow, axis));
      }
      default -> null;
    };
  }

  /// `1 / (1 + exp(-x))`, and with another numerator.
  private static @Nullable Value sigmoid(Value numerator, Value denominator, Rewriter to) {
    if (!(denominator.op() instanceof Op.Add(Value(Op.Exp(Value(Op.Neg(var x), _, _)), _, _), var one))
        || !is(one, 1)) {
      return null;
    }
    if (is(numerator, 1)) {
      return to.add(new Op.Sigmoid(x));
    }
    return numerator.equals(x) ? to.add(new Op.Silu(x)) : null;
  }

  private static @Nullable Value softmax(Op op, Value shifted, Value sum, Rewriter to) {
    Value e = ((Op.Div) op).a();
    if (shifted.op() instanceof Op.Sub(var x, Value(Op.ReduceMax(var y, var axes, var keepMax), _, _))
        && sum.op() instanceof Op.ReduceSum(var summed, var sumAxes, var keepSum)
        && keepMax && keepSum && x.equals(y) && summed.equals(e) && axes.size() == 1
        && axes.equals(sumAxes)) {
      return to.add(new Op.Softmax(x, axes.getFirst()));
    }
    return null;
  }

  /// A product of `0.5`, `x` and `1 + erf(x / sqrt(2))` or `1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3))`, in
  /// any order.
  private static @Nullable Value gelu(Op.Mul product, Rewriter to) {
    if (!product.infer().dtype().isFloat()) {
      return null;
    }
    List<Value> factors = factors(product);
    List<Value> constants = factors.stream().filter(f -> Patterns.splat(f) != null).toList();
    List<Value> others = factors.stream().filter(f -> Patterns.splat(f) == null).toList();
    if (constants.size() != 1 || !is(constants.getFirst(), 0.5) || others.size() != 2) {
      return null;
    }
    for (int i = 0; i < 2; i++) {
      Value x = others.get(i);
      if (others.get(1 - i).op() instanceof Op.Add(var inner, var one) && is(one, 1)
          && x.type().equals(product.infer())) {
        if (inner.op() instanceof Op.Erf(var arg) && isScaled(arg, x, Math.sqrt(0.5))) {
          return to.add(new Op.Gelu(x, false));
        }
        if (inner.op() instanceof Op.Tanh(Value(Op.Mul(var poly, var c), _, _))
            && near(c, Math.sqrt(2 / Math.PI))
            && isCubic(poly, x)) {
          return to.add(new Op.Gelu(x, true));
        }
      }
    }
    return null;
  }

  private static boolean isScaled(Value v, Value x, double scale) {
    return switch (v.op()) {
      case Op.Mul(var y, var c) -> y.equals(x) && near(c, scale);
      case Op.Div(var y, var c) -> y.equals(x) && near(c, 1 / scale);
      default -> false;
    };
  }

  /// `x + 0.044715 * x^3`.
  private static boolean isCubic(Value v, Value x) {
    if (!(v.op() instanceof Op.Add(var a, var b))) {
      return false;
    }
    Value power = a.equals(x) ? b : b.equals(x) ? a : null;
    if (power == null || !(power.op() instanceof Op.Mul m)) {
      return false;
    }
    int count = 0;
    int constants = 0;
    for (Value f : factors(m)) {
      if (f.op() instanceof Op.Pow(var base, var three) && base.equals(x) && is(three, 3)) {
        count += 3;
      } else if (f.equals(x)) {
        count++;
      } else if (near(f, CUBIC)) {
        constants++;
      } else {
        return false;
      }
    }
    return count == 3 && constants == 1;
  }

  /// The factors of nested products.
  private static List<Value> factors(Op.Mul product) {
    var factors = new ArrayList<Value>();
    for (Value v : List.of(product.a(), product.b())) {
      if (v.op() instanceof Op.Mul m) {
        factors.addAll(factors(m));
      } else {
        factors.add(v);
      }
    }
    return factors;
  }

  /// `softmax` over the last axis of what a value is made of, or null.
  static @Nullable Value softmaxed(Value v) {
    return v.op() instanceof Op.Softmax(var x, int axis) && isLast(x, List.of(x.type().shape().axis(axis)))
        ? x : null;
  }
}
