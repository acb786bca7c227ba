package dev.deepstack.codegen.llvm;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;

/// Element-wise ops as instructions. Operands are values in the registers of their dtype, all of one number of lanes or
/// literals.
final class Arithmetic {
  private Arithmetic() {}

  /// The result of a unary op, not yet rounded to the dtype.
  static String unary(Fn f, Op.Unary op, String x) {
    DType dtype = op.x().type().dtype();
    String one = Registers.literal(dtype, 1);
    return switch (op) {
      case Op.Neg _ -> dtype.isFloat() ? f.fneg(x) : f.sub(zero(dtype), x);
      case Op.Abs _ -> dtype.isFloat() ? f.abs(x)
          : dtype.isUnsigned() ? x : f.select(f.icmp("slt", x, "0"), f.sub(zero(dtype), x), x);
      case Op.Sign _ -> sign(f, dtype, x);
      case Op.Exp _ -> MathLib.exp(f, x);
      case Op.Expm1 _ -> MathLib.expm1(f, x);
      case Op.Log _ -> MathLib.log(f, x);
      case Op.Log1p _ -> MathLib.log1p(f, x);
      case Op.Sqrt _ -> f.sqrt(x);
      case Op.Rsqrt _ -> f.fdiv(one, f.sqrt(x));
      case Op.Sin _ -> MathLib.sin(f, x);
      case Op.Cos _ -> MathLib.cos(f, x);
      case Op.Tanh _ -> MathLib.tanh(f, x);
      case Op.Sigmoid _ -> MathLib.sigmoid(f, x);
      case Op.Erf _ -> MathLib.erf(f, x);
      case Op.Floor _ -> dtype.isFloat() ? f.intrinsic("llvm.floor", f.type(x), x) : x;
      case Op.Ceil _ -> dtype.isFloat() ? f.intrinsic("llvm.ceil", f.type(x), x) : x;
      case Op.Round _ -> dtype.isFloat() ? f.intrinsic("llvm.roundeven", f.type(x), x) : x;
      case Op.Trunc _ -> dtype.isFloat() ? f.intrinsic("llvm.trunc", f.type(x), x) : x;
      case Op.Not _ -> f.binary("xor", x, dtype.isBool() ? "true" : "-1");
      case Op.IsNan _ -> dtype.isFloat() ? f.fcmp("uno", x, x) : f.icmp("ne", x, x);
      case Op.CumSum _ -> throw new IllegalStateException("cum_sum has a kernel of its own");
    };
  }

  private static String zero(DType dtype) {
    return Registers.literal(dtype, 0);
  }

  private static String sign(Fn f, DType dtype, String x) {
    if (!dtype.isFloat()) {
      String positive = f.select(f.icmp(dtype.isUnsigned() ? "ugt" : "sgt", x, "0"), Registers.literal(dtype, 1), x);
      return dtype.isUnsigned() ? positive : f.select(f.icmp("slt", x, "0"), Registers.literal(dtype, -1), positive);
    }
    String positive = f.select(f.fcmp("ogt", x, zero(dtype)), Registers.literal(dtype, 1), x);
    return f.select(f.fcmp("olt", x, zero(dtype)), Registers.literal(dtype, -1), positive);
  }

  /// The result of a binary op, not yet rounded to the dtype.
  static String binary(Fn f, Op.Binary op, String left, String right) {
    DType dtype = op.a().type().dtype();
    boolean real = dtype.isFloat();
    String s = dtype.isUnsigned() || dtype.isBool() ? "u" : "s";
    // Integer division and remainders look at their operands one by one, so literals must have their lanes.
    boolean adapts = real && !(op instanceof Op.Rem);
    int lanes = adapts ? 1 : Fn.lanesOf(type(f, left, right));
    String a = adapts ? left : spread(f, left, lanes);
    String b = adapts ? right : spread(f, right, lanes);
    return switch (op) {
      case Op.Add _ -> real ? f.fadd(a, b) : dtype.isBool() ? f.binary("or", a, b) : f.add(a, b);
      case Op.Sub _ -> real ? f.fsub(a, b) : f.sub(a, b);
      case Op.Mul _ -> real ? f.fmul(a, b) : dtype.isBool() ? f.binary("and", a, b) : f.mul(a, b);
      case Op.Div _ -> real ? f.fdiv(a, b) : divide(f, dtype, a, b);
      case Op.FloorDiv _ -> real ? f.intrinsic("llvm.floor", type(f, a, b), f.fdiv(a, b)) : floorDivide(f, dtype, a, b);
      case Op.Rem _ -> real ? realRemainder(f, dtype, a, b) : remainder(f, dtype, a, b);
      case Op.Pow(var _, var exponent) -> power(f, dtype, exponent, a, b);
      case Op.Max _ -> real ? f.fmax(a, b) : f.intrinsic("llvm." + s + "max", type(f, a, b), a, b);
      case Op.Min _ -> real ? f.fmin(a, b) : f.intrinsic("llvm." + s + "min", type(f, a, b), a, b);
      case Op.And _ -> f.binary("and", a, b);
      case Op.Or _ -> f.binary("or", a, b);
      case Op.Xor _ -> f.binary("xor", a, b);
      case Op.Eq _ -> real ? f.fcmp("oeq", a, b) : f.icmp("eq", a, b);
      case Op.Ne _ -> real ? f.fcmp("une", a, b) : f.icmp("ne", a, b);
      case Op.Lt _ -> real ? f.fcmp("olt", a, b) : f.icmp(s + "lt", a, b);
      case Op.Le _ -> real ? f.fcmp("ole", a, b) : f.icmp(s + "le", a, b);
      case Op.Gt _ -> real ? f.fcmp("ogt", a, b) : f.icmp(s + "gt", a, b);
      case Op.Ge _ -> real ? f.fcmp("oge", a, b) : f.icmp(s + "ge", a, b);
    };
  }

  private static String type(Fn f, String a, String b) {
    return Fn.lanesOf(f.type(a)) > 1 ? f.type(a) : f.type(b);
  }

  /// Toward zero; the two cases that trap on the CPU are computed around.
  private static String divide(Fn f, DType dtype, String a, String b) {
    String isZero = f.icmp("eq", b, "0");
    if (dtype.isUnsigned()) {
      String safe = f.select(isZero, Registers.literal(dtype, 1), b);
      return f.select(isZero, zero(dtype), f.binary("udiv", a, safe));
    }
    String isMinusOne = f.icmp("eq", b, "-1");
    String safe = f.select(f.binary("or", isZero, isMinusOne), Registers.literal(dtype, 1), b);
    String quotient = f.select(isMinusOne, f.sub(zero(dtype), a), f.binary("sdiv", a, safe));
    return f.select(isZero, zero(dtype), quotient);
  }

  private static String floorDivide(Fn f, DType dtype, String a, String b) {
    String quotient = divide(f, dtype, a, b);
    if (dtype.isUnsigned()) {
      return quotient;
    }
    String rest = f.sub(a, f.mul(quotient, b));
    String differ = f.icmp("slt", f.binary("xor", rest, b), "0");
    String inexact = f.binary("and", f.icmp("ne", rest, "0"), differ);
    String floored = f.select(inexact, f.sub(quotient, "1"), quotient);
    return f.select(f.icmp("eq", b, "0"), zero(dtype), floored);
  }

  private static String remainder(Fn f, DType dtype, String a, String b) {
    String rest = f.sub(a, f.mul(floorDivide(f, dtype, a, b), b));
    return f.select(f.icmp("eq", b, "0"), zero(dtype), rest);
  }

  /// The C remainder, moved to the sign of the divisor.
  private static String realRemainder(Fn f, DType dtype, String a, String b) {
    int lanes = Fn.lanesOf(type(f, a, b));
    String rest = MathLib.perLane(f, "fmod", spread(f, a, lanes), spread(f, b, lanes));
    String differ = f.binary("xor", f.fcmp("olt", rest, zero(dtype)), f.fcmp("olt", b, zero(dtype)));
    String move = f.binary("and", f.fcmp("one", rest, zero(dtype)), differ);
    return f.select(move, f.fadd(rest, b), rest);
  }

  /// A value or literal as a value of `lanes` lanes.
  static String spread(Fn f, String x, int lanes) {
    String value = Registers.materialize(f, x);
    return Fn.lanesOf(f.type(value)) == lanes ? value : Vec.splat(f, value, lanes);
  }

  private static String power(Fn f, DType dtype, Value exponent, String a, String b) {
    if (exponent.op() instanceof Op.Constant(double e, var _)) {
      if (e == 2) {
        return f.fmul(a, a);
      }
      if (e == 3) {
        return f.fmul(f.fmul(a, a), a);
      }
      if (e == 1) {
        return a;
      }
      if (e == -1) {
        return f.fdiv(Registers.literal(dtype, 1), a);
      }
    }
    int lanes = Fn.lanesOf(type(f, a, b));
    return MathLib.pow(f, spread(f, a, lanes), spread(f, b, lanes));
  }

  /// A conversion between dtypes, rounded to the target.
  static String cast(Fn f, DType from, DType to, String x) {
    if (from == to) {
      return x;
    }
    String target = Registers.element(to);
    if (to.isBool()) {
      return from.isFloat() ? f.fcmp("une", x, zero(from)) : f.icmp("ne", x, "0");
    }
    if (from.isFloat() && to.isFloat()) {
      String wide = from == DType.F64 ? f.cast("fptrunc", x, "float") : x;
      return to == DType.F64 ? (from == DType.F64 ? x : f.cast("fpext", x, "double")) : Registers.round(f, to, wide);
    }
    if (from.isFloat()) {
      return integer(f, to, x);
    }
    boolean unsigned = from.isUnsigned() || from.isBool();
    if (to.isFloat()) {
      return Registers.round(f, to, f.cast(unsigned ? "uitofp" : "sitofp", x, target));
    }
    int narrow = from.isBool() ? 0 : from.bytes();
    return narrow == to.bytes() ? x
        : f.cast(narrow > to.bytes() ? "trunc" : unsigned ? "zext" : "sext", x, target);
  }

  /// Toward zero by way of i64, whose conversion instruction gives the same on every value as PyTorch's on this CPU.
  private static String integer(Fn f, DType to, String x) {
    String wide = f.cast(to == DType.U64 ? "fptoui" : "fptosi", x, "i64");
    return to.bytes() == 8 ? wide : f.cast("trunc", wide, Registers.element(to));
  }
}
