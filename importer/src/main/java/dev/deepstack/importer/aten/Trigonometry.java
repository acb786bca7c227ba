package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;

/// Circular and hyperbolic functions without an op of their own, from those that have one.
final class Trigonometry {
  private Trigonometry() {}

  static void add(Operators.Builder table) {
    Unaries.function(table, "tan", c -> x -> c.e.div(c.e.of(new Op.Sin(x)), c.e.of(new Op.Cos(x))));
    Unaries.function(table, "sinh", c -> x -> sinh(c.e, c.e.widen(x)));
    Unaries.function(table, "cosh", c -> x -> cosh(c.e, c.e.widen(x)));
    Unaries.function(table, "asinh arcsinh", c -> x -> asinh(c.e, c.e.widen(x)));
    Unaries.function(table, "acosh arccosh", c -> x -> acosh(c.e, c.e.widen(x)));
    Unaries.function(table, "atanh arctanh", c -> x -> atanh(c.e, c.e.widen(x)));
    Unaries.function(table, "atan arctan", c -> x -> atan(c.e, c.e.widen(x)));
    Unaries.function(table, "asin arcsin", c -> x -> asin(c.e, c.e.widen(x)));
    Unaries.function(table, "acos arccos", c -> x -> acos(c.e, c.e.widen(x)));
    table.aten("atan2 arctan2", c -> c.set(Arithmetic.binary(c, (y, x) -> atan2(c.e, y, x))));
  }

  private static Value sinh(Emit e, Value x) {
    // expm1 keeps the digits near zero.
    Value grown = e.of(new Op.Expm1(x));
    return e.mul(e.add(grown, e.div(grown, e.add(grown, 1))), 0.5);
  }

  private static Value cosh(Emit e, Value x) {
    return e.mul(e.add(e.of(new Op.Exp(x)), e.of(new Op.Exp(e.of(new Op.Neg(x))))), 0.5);
  }

  private static Value asinh(Emit e, Value x) {
    Value size = e.of(new Op.Abs(x));
    Value square = e.mul(size, size);
    Value root = e.add(e.of(new Op.Sqrt(e.add(square, 1))), 1);
    return e.mul(e.of(new Op.Sign(x)), e.of(new Op.Log1p(e.add(size, e.div(square, root)))));
  }

  private static Value acosh(Emit e, Value x) {
    Value root = e.of(new Op.Sqrt(e.mul(e.add(x, -1), e.add(x, 1))));
    return e.of(new Op.Log(e.add(x, root)));
  }

  private static Value atanh(Emit e, Value x) {
    Value one = e.constant(1, x);
    return e.mul(e.of(new Op.Log1p(e.div(e.mul(x, 2), e.sub(one, x)))), 0.5);
  }

  /// A polynomial after two reductions of the range (`1/x` above 1, then `(x-1)/(x+1)` above tan(pi/8)).
  private static Value atan(Emit e, Value x) {
    Value size = e.of(new Op.Abs(x));
    Value large = e.greater(size, 1);
    Value r = e.select(large, e.div(e.constant(1, x), size), size);
    Value middle = e.greater(r, 0.41421356237309503);
    Value t = e.select(middle, e.div(e.add(r, -1), e.add(r, 1)), r);
    Value z = e.mul(t, t);
    Value p = e.add(e.mul(z, 8.05374449538e-2), -1.38776856032e-1);
    p = e.add(e.mul(p, z), 1.99777106478e-1);
    p = e.add(e.mul(p, z), -3.33329491539e-1);
    Value y = e.add(e.mul(e.mul(p, z), t), t);
    y = e.select(middle, e.add(y, Math.PI / 4), y);
    y = e.select(large, e.sub(e.constant(Math.PI / 2, x), y), y);
    return e.select(e.less(x, 0), e.of(new Op.Neg(y)), y);
  }

  private static Value asin(Emit e, Value x) {
    Value one = e.constant(1, x);
    Value root = e.of(new Op.Sqrt(e.mul(e.sub(one, x), e.add(x, 1))));
    return atan(e, e.div(x, root));
  }

  private static Value acos(Emit e, Value x) {
    return e.sub(e.constant(Math.PI / 2, x), asin(e, x));
  }

  static Value atan2(Emit e, Value y, Value x) {
    Value angle = atan(e, e.div(y, x));
    Value half = e.select(e.less(y, 0), e.constant(-Math.PI, x), e.constant(Math.PI, x));
    Value turned = e.select(e.less(x, 0), e.add(angle, half), angle);
    Value zero = e.of(new Op.And(e.of(new Op.Eq(x, e.constant(0, x))), e.of(new Op.Eq(y, e.constant(0, y)))));
    return e.select(zero, e.constant(0, x), turned);
  }
}
