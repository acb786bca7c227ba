package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.function.BinaryOperator;
import java.util.stream.Stream;

/// Element-wise operators of two numbers or tensors. The file records the result's type, so both operands are
/// converted to it; a number that a 16-bit float cannot hold makes the whole operator run in f32, as in
/// PyTorch.
final class Arithmetic {
  private Arithmetic() {}

  static void add(Operators.Builder table) {
    table.aten("add", c -> sum(c, 1))
        .aten("sub subtract", c -> sum(c, -1))
        .aten("rsub", c -> c.set(compute(c, c.operand("other"), scaled(c, c.operand("self")), c.e::sub)))
        .aten("mul multiply", c -> c.set(binary(c, (a, b) -> product(c.e, a, b))))
        .aten("div divide true_divide", Arithmetic::divide)
        .aten("floor_divide", c -> c.set(binary(c, (a, b) -> c.e.of(new Op.FloorDiv(a, b)))))
        .aten("remainder", c -> c.set(binary(c, (a, b) -> c.e.of(new Op.Rem(a, b)))))
        .aten("fmod", c -> c.set(binary(c, (a, b) -> truncatedRemainder(c.e, a, b))))
        .aten("maximum", c -> c.set(binary(c, (a, b) -> c.e.of(new Op.Max(a, b)))))
        .aten("minimum", c -> c.set(binary(c, (a, b) -> c.e.of(new Op.Min(a, b)))))
        .aten("fmax", c -> c.set(binary(c, (a, b) -> ignoringNan(c.e, a, b, c.e.of(new Op.Max(a, b))))))
        .aten("fmin", c -> c.set(binary(c, (a, b) -> ignoringNan(c.e, a, b, c.e.of(new Op.Min(a, b))))))
        .aten("max.other", c -> c.set(binary(c, (a, b) -> c.e.of(new Op.Max(a, b)))))
        .aten("min.other", c -> c.set(binary(c, (a, b) -> c.e.of(new Op.Min(a, b)))))
        .aten("pow", c -> c.set(power(c, c.operand("self"), c.operand("exponent"))))
        .aten("addcmul", c -> c.set(c.e.add(typed(c, "self"),
            c.e.mul(scaledProduct(c), typed(c, "tensor2")))))
        .aten("addcdiv", c -> c.set(c.e.add(typed(c, "self"),
            c.e.div(scaledProduct(c), typed(c, "tensor2")))))
        .aten("lerp", Arithmetic::interpolate)
        .aten("hypot", c -> c.set(binary(c,
            (a, b) -> c.e.of(new Op.Sqrt(c.e.add(c.e.mul(a, a), c.e.mul(b, b)))))))
        .aten("copysign", c -> c.set(binary(c, (a, b) -> copySign(c.e, a, b))))
        .aten("logaddexp", c -> c.set(binary(c, (a, b) -> logAddExp(c.e, a, b))))
        .aten("bitwise_left_shift __lshift__", c -> c.set(shift(c, (a, b) -> c.e.mul(a, b))))
        .aten("bitwise_right_shift __rshift__",
            c -> c.set(shift(c, (a, b) -> c.e.of(new Op.FloorDiv(a, b)))));
  }

  static Value typed(Call c, String name) {
    return c.operand(name).as(c.e, c.dtype());
  }

  static Value binary(Call c, BinaryOperator<Value> op) {
    return compute(c, c.operand("self"), c.operand("other"), op);
  }

  /// Converts, applies `op`, and leaves the last cast to [Call#set].
  private static Value compute(Call c, Operand a, Operand b, BinaryOperator<Value> op) {
    DType dtype = c.dtype();
    DType type = Stream.of(a, b).anyMatch(o -> o.isWiderScalar(dtype)) ? DType.F32 : dtype;
    return op.apply(a.as(c.e, type), b.as(c.e, type));
  }

  private static Operand scaled(Call c, Operand x) {
    Operand alpha = c.operand("alpha", 1);
    if (alpha.tensor() == null && alpha.number() == 1) {
      return x;
    }
    DType dtype = c.dtype();
    DType type = alpha.isWiderScalar(dtype) ? DType.F32 : dtype;
    return Operand.of(c.e.mul(x.as(c.e, type), alpha.as(c.e, type)));
  }

  private static void sum(Call c, int sign) {
    Operand other = scaled(c, c.operand("other"));
    c.set(compute(c, c.operand("self"), other, (a, b) -> {
      if (a.type().dtype().isBool()) {
        return c.e.of(new Op.Or(a, b));
      }
      return sign > 0 ? c.e.add(a, b) : c.e.sub(a, b);
    }));
  }

  private static Value product(Emit e, Value a, Value b) {
    return a.type().dtype().isBool() ? e.of(new Op.And(a, b)) : e.mul(a, b);
  }

  private static void divide(Call c) {
    c.set(switch (c.text("rounding_mode", "")) {
      case "floor" -> binary(c, (a, b) -> c.e.of(new Op.FloorDiv(a, b)));
      case "trunc" -> binary(c, (a, b) -> {
        Value quotient = c.e.div(a, b);
        return a.type().dtype().isFloat() ? c.e.of(new Op.Trunc(quotient)) : quotient;
      });
      default -> binary(c, c.e::div);
    });
  }

  /// The remainder with the sign of the dividend.
  private static Value truncatedRemainder(Emit e, Value a, Value b) {
    Value rest = e.of(new Op.Rem(e.of(new Op.Abs(a)), e.of(new Op.Abs(b))));
    return e.select(e.less(a, 0), e.of(new Op.Neg(rest)), rest);
  }

  private static Value ignoringNan(Emit e, Value a, Value b, Value both) {
    Value left = e.select(e.of(new Op.IsNan(b)), a, both);
    return e.select(e.of(new Op.IsNan(a)), b, left);
  }

  static Value power(Call c, Operand base, Operand exponent) {
    Emit e = c.e;
    DType dtype = c.dtype();
    boolean literal = exponent.tensor() == null;
    if (literal && exponent.number() == 2) {
      Value x = base.as(e, dtype);
      return e.mul(x, x);
    }
    DType wide = dtype.isFloat() && dtype.bytes() < 4 ? DType.F32 : dtype.isFloat() ? dtype : DType.F64;
    Value x = base.as(e, wide);
    if (literal) {
      double n = exponent.number();
      if (n == 0) {
        return e.constant(1, dtype);
      } else if (n == 1) {
        return base.as(e, dtype);
      } else if (n == 3) {
        Value whole = base.as(e, dtype.isFloat() ? wide : dtype);
        return e.mul(e.mul(whole, whole), whole);
      } else if (n == 0.5) {
        return e.of(new Op.Sqrt(x));
      } else if (n == -0.5) {
        return e.of(new Op.Rsqrt(x));
      } else if (n == -1) {
        return e.div(e.constant(1, x), x);
      }
    }
    Value y = e.of(new Op.Pow(x, exponent.as(e, wide)));
    return dtype.isFloat() ? y : e.of(new Op.Round(y));
  }

  private static Value scaledProduct(Call c) {
    double value = c.number("value", 1);
    Value first = typed(c, "tensor1");
    return value == 1 ? first : c.e.mul(first, value);
  }

  private static void interpolate(Call c) {
    Value start = typed(c, "self");
    Value distance = c.e.sub(typed(c, "end"), start);
    c.set(c.e.add(start, c.e.mul(typed(c, "weight"), distance)));
  }

  private static Value copySign(Emit e, Value a, Value b) {
    Value size = e.of(new Op.Abs(a));
    // 1/-0 is -inf, which tells the two zeros apart.
    Value zero = e.of(new Op.Eq(b, e.constant(0, b)));
    Value negative = e.less(e.select(zero, e.div(e.constant(1, b), b), b), 0);
    return e.select(negative, e.of(new Op.Neg(size)), size);
  }

  private static Value logAddExp(Emit e, Value a, Value b) {
    Value max = e.of(new Op.Max(a, b));
    Value distance = e.of(new Op.Neg(e.of(new Op.Abs(e.sub(a, b)))));
    Value sum = e.add(max, e.of(new Op.Log1p(e.of(new Op.Exp(distance)))));
    return e.select(e.of(new Op.Eq(a, b)), e.add(a, Math.log(2)), sum);
  }

  private static Value shift(Call c, BinaryOperator<Value> op) {
    Operand by = c.operand("other");
    DType dtype = c.dtype();
    Value factor = by.tensor() == null
        ? c.e.constant(Math.scalb(1.0, (int) by.number()), dtype)
        : c.e.cast(c.e.of(new Op.Round(c.e.of(
            new Op.Pow(c.e.constant(2, DType.F64), by.as(c.e, DType.F64))))), dtype);
    return op.apply(typed(c, "self"), factor);
  }
}
