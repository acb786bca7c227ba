package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.function.Function;
import java.util.function.UnaryOperator;

/// Element-wise functions of one tensor. Functions that give floats convert integers first.
final class Unaries {
  private Unaries() {}

  static void add(Operators.Builder table) {
    primitive(table, "neg negative", Op.Neg::new);
    primitive(table, "sign sgn", Op.Sign::new);
    primitive(table, "exp", Op.Exp::new);
    primitive(table, "expm1 special_expm1", Op.Expm1::new);
    primitive(table, "log", Op.Log::new);
    primitive(table, "log1p", Op.Log1p::new);
    primitive(table, "sqrt", Op.Sqrt::new);
    primitive(table, "rsqrt", Op.Rsqrt::new);
    primitive(table, "sin", Op.Sin::new);
    primitive(table, "cos", Op.Cos::new);
    primitive(table, "tanh", Op.Tanh::new);
    primitive(table, "sigmoid special_expit", Op.Sigmoid::new);
    primitive(table, "erf special_erf", Op.Erf::new);
    whole(table, "floor", Op.Floor::new);
    whole(table, "ceil", Op.Ceil::new);
    whole(table, "trunc fix", Op.Trunc::new);
    whole(table, "round", Op.Round::new);
    function(table, "abs absolute", c -> x -> x.type().dtype().isBool() ? x : c.e.of(new Op.Abs(x)));
    function(table, "reciprocal", c -> x -> c.e.div(c.e.constant(1, x), x));
    function(table, "square", c -> x -> c.e.mul(x, x));
    function(table, "exp2 special_exp2", c -> x -> c.e.of(new Op.Exp(c.e.mul(x, Math.log(2)))));
    function(table, "log2", c -> x -> c.e.mul(c.e.of(new Op.Log(x)), 1 / Math.log(2)));
    function(table, "log10", c -> x -> c.e.mul(c.e.of(new Op.Log(x)), 1 / Math.log(10)));
    function(table, "erfc special_erfc", c -> x -> c.e.sub(c.e.constant(1, x), c.e.of(new Op.Erf(x))));
    function(table, "frac", c -> x -> c.e.sub(x, c.e.of(new Op.Trunc(x))));
    function(table, "sinc special_sinc", c -> x -> sinc(c.e, x));
    function(table, "lgamma", c -> x -> logGamma(c.e, x));
    function(table, "logit", c -> x -> c.e.of(new Op.Log(c.e.div(x, c.e.sub(c.e.constant(1, x), x)))));
    function(table, "round.decimals", Unaries::roundDecimals);
    function(table, "nan_to_num", Unaries::withoutNan);
    table.aten("clamp clip", Unaries::clamp)
        .aten("clamp_min", Unaries::clamp)
        .aten("clamp_max", Unaries::clamp);
  }

  private static void primitive(Operators.Builder table, String names, Function<Value, Op> op) {
    function(table, names, c -> x -> c.e.of(op.apply(x)));
  }

  /// Functions that change nothing about integers.
  private static void whole(Operators.Builder table, String names, Function<Value, Op> op) {
    function(table, names, c -> x -> x.type().dtype().isFloat() ? c.e.of(op.apply(x)) : x);
  }

  /// A function of `self` in the type of the result; narrow floats are computed as f32 where several ops
  /// follow.
  static void function(Operators.Builder table, String names, Function<Call, UnaryOperator<Value>> f) {
    table.aten(names, c -> c.set(f.apply(c).apply(c.e.cast(c.tensor("self"), c.dtype()))));
  }

  private static Value sinc(Emit e, Value x) {
    Value angle = e.mul(x, Math.PI);
    Value zero = e.of(new Op.Eq(x, e.constant(0, x)));
    Value safe = e.select(zero, e.constant(1, x), angle);
    return e.select(zero, e.constant(1, x), e.div(e.of(new Op.Sin(safe)), safe));
  }

  /// Stirling's series after seven steps up, in f64; below 1/2 by reflection.
  private static Value logGamma(Emit e, Value given) {
    Value x = e.cast(given, DType.F64);
    Value low = e.less(x, 0.5);
    Value z = e.select(low, e.sub(e.constant(1, x), x), x);
    Value product = z;
    for (int i = 1; i < 7; i++) {
      product = e.mul(product, e.add(z, i));
    }
    Value y = e.add(z, 7);
    Value r = e.div(e.constant(1, y), y);
    Value r2 = e.mul(r, r);
    Value series = e.mul(r, e.add(e.mul(r2, e.add(e.mul(r2, 1.0 / 1260), -1.0 / 360)), 1.0 / 12));
    Value log = e.of(new Op.Log(y));
    Value stirling = e.add(e.add(e.sub(e.mul(e.add(y, -0.5), log), y), 0.5 * Math.log(2 * Math.PI)), series);
    Value up = e.sub(stirling, e.of(new Op.Log(product)));
    Value sine = e.of(new Op.Abs(e.of(new Op.Sin(e.mul(x, Math.PI)))));
    Value reflected = e.sub(e.sub(e.constant(Math.log(Math.PI), x), e.of(new Op.Log(sine))), up);
    return e.cast(e.select(low, reflected, up), given.type().dtype());
  }

  private static UnaryOperator<Value> roundDecimals(Call c) {
    double scale = Math.pow(10, c.integer("decimals", 0));
    return x -> c.e.div(c.e.of(new Op.Round(c.e.mul(x, scale))), c.e.constant(scale, x));
  }

  private static UnaryOperator<Value> withoutNan(Call c) {
    Emit e = c.e;
    return x -> {
      DType dtype = x.type().dtype();
      if (!dtype.isFloat()) {
        return x;
      }
      double largest = largest(dtype);
      Value y = e.select(e.of(new Op.IsNan(x)), e.constant(c.number("nan", 0), x), x);
      Value above = e.of(new Op.Eq(x, e.constant(Double.POSITIVE_INFINITY, x)));
      y = e.select(above, e.constant(c.number("posinf", largest), x), y);
      Value below = e.of(new Op.Eq(x, e.constant(Double.NEGATIVE_INFINITY, x)));
      return e.select(below, e.constant(c.number("neginf", -largest), x), y);
    };
  }

  static double largest(DType dtype) {
    return switch (dtype) {
      case F16 -> 65504;
      case BF16 -> 0x1.FEp127;
      case F32 -> Float.MAX_VALUE;
      case F64 -> Double.MAX_VALUE;
      case F8E4M3 -> 448;
      case F8E5M2 -> 57344;
      default -> throw new IllegalArgumentException(dtype + " is not a float");
    };
  }

  private static void clamp(Call c) {
    Value x = c.e.cast(c.tensor("self"), c.dtype());
    if (c.has("min")) {
      x = c.e.of(new Op.Max(x, c.operand("min").as(c.e, c.dtype())));
    }
    if (c.has("max")) {
      x = c.e.of(new Op.Min(x, c.operand("max").as(c.e, c.dtype())));
    }
    c.set(x);
  }
}
