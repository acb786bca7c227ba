package dev.deepstack.reference;

import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;

/// The element-wise ops on floats, in double precision.
final class Floats {
  private static final double ERF_IS_ONE = 6;

  private Floats() {}

  static DoubleUnaryOperator unary(Op.Unary op) {
    return switch (op) {
      case Op.Neg _ -> x -> -x;
      case Op.Abs _ -> Math::abs;
      case Op.Sign _ -> Math::signum;
      case Op.Exp _ -> Math::exp;
      case Op.Expm1 _ -> Math::expm1;
      case Op.Log _ -> Math::log;
      case Op.Log1p _ -> Math::log1p;
      case Op.Sqrt _ -> Math::sqrt;
      case Op.Rsqrt _ -> x -> 1 / Math.sqrt(x);
      case Op.Sin _ -> Math::sin;
      case Op.Cos _ -> Math::cos;
      case Op.Tanh _ -> Math::tanh;
      case Op.Sigmoid _ -> x -> 1 / (1 + Math.exp(-x));
      case Op.Erf _ -> Floats::erf;
      case Op.Floor _ -> Math::floor;
      case Op.Ceil _ -> Math::ceil;
      case Op.Round _ -> Math::rint;
      case Op.Trunc _ -> x -> x < 0 ? Math.ceil(x) : Math.floor(x);
      case Op.Not _, Op.IsNan _, Op.CumSum _ -> throw notForFloats(op);
    };
  }

  static DoubleBinaryOperator binary(Op.Binary op) {
    return switch (op) {
      case Op.Add _ -> Double::sum;
      case Op.Sub _ -> (a, b) -> a - b;
      case Op.Mul _ -> (a, b) -> a * b;
      case Op.Div _ -> (a, b) -> a / b;
      case Op.FloorDiv _ -> Floats::floorDiv;
      case Op.Rem _ -> Floats::remainder;
      case Op.Pow _ -> Floats::pow;
      case Op.Max _ -> Math::max;
      case Op.Min _ -> Math::min;
      case Op.And _, Op.Or _, Op.Xor _, Op.Comparison _ -> throw notForFloats(op);
    };
  }

  static boolean compare(Op.Comparison op, double a, double b) {
    return switch (op) {
      case Op.Eq _ -> a == b;
      case Op.Ne _ -> a != b;
      case Op.Lt _ -> a < b;
      case Op.Le _ -> a <= b;
      case Op.Gt _ -> a > b;
      case Op.Ge _ -> a >= b;
    };
  }

  private static IrException notForFloats(Op op) {
    return new IrException(OpSchema.name(op) + " is not defined for floats");
  }

  /// The quotient without its fraction, found from the exact remainder as Python does: `1.0 // 0.1` is 9.
  static double floorDiv(double a, double b) {
    if (b == 0 || !Double.isFinite(a) || Double.isNaN(b)) {
      return b == 0 ? a / b : Double.NaN;
    }
    double rest = a % b;
    double quotient = (a - rest) / b;
    if (rest != 0 && rest < 0 != b < 0) {
      quotient -= 1;
    }
    return quotient == 0 ? Math.copySign(0, a / b) : Math.rint(quotient);
  }

  /// Python's `%`: the exact remainder, moved to the sign of the divisor.
  static double remainder(double a, double b) {
    double rest = a % b;
    return rest != 0 && rest < 0 != b < 0 ? rest + b : rest;
  }

  /// C's pow: unlike Java's, 1 to any power is 1, also to NaN, and -1 to an infinite power is 1.
  static double pow(double a, double b) {
    return a == 1 || a == -1 && Double.isInfinite(b) ? 1 : Math.pow(a, b);
  }

  /// `2/√π · exp(-x²) · Σ 2ⁿ x²ⁿ⁺¹ / (1·3·5…(2n+1))`: all terms have one sign, so nothing cancels.
  static double erf(double x) {
    if (Double.isNaN(x)) {
      return x;
    }
    if (Math.abs(x) >= ERF_IS_ONE) {
      return Math.signum(x);
    }
    double sum = 0;
    double term = x;
    for (int n = 0; sum + term != sum; n++) {
      sum += term;
      term *= 2 * x * x / (2 * n + 3);
    }
    return 2 / Math.sqrt(Math.PI) * Math.exp(-x * x) * sum;
  }

  /// Toward zero. NaN and what does not fit an i64 give the smallest i64, as x86 does; narrower integers then keep
  /// the low bits.
  static long toLong(double x) {
    return x >= -0x1p63 && x < 0x1p63 ? (long) x : Long.MIN_VALUE;
  }
}
