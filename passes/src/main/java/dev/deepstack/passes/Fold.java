package dev.deepstack.passes;

import static dev.deepstack.passes.Patterns.splat;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.FloatFormat;
import org.jspecify.annotations.Nullable;

/// Arithmetic on scalars that are known, rounded as the dtype rounds.
final class Fold {
  /// Integers above are not exact in a constant.
  private static final double EXACT_MAX = 1L << 53;

  private Fold() {}

  /// `1 + 2 -> 3`, for scalars only: filled tensors have lost their expand before.
  static @Nullable Value apply(Op op, Rewriter to) {
    if (op instanceof Op.DimValue(var dim)) {
      return dim.isConstant() ? constant(to, dim.constant(), DType.I64) : null;
    }
    if (!(op instanceof Op.Binary || op instanceof Op.Unary || op instanceof Op.Cast)) {
      return null;
    }
    for (Value operand : OpSchema.operands(op)) {
      if (!(operand.op() instanceof Op.Constant)) {
        return null;
      }
    }
    Double value = switch (op) {
      case Op.Cast(var x, var dtype) -> cast(number(x), dtype);
      case Op.Binary b -> binary(b, number(b.a()), number(b.b()));
      case Op.Unary u -> unary(u, number(u.x()));
      default -> null;
    };
    return value == null ? null : constant(to, value, op.infer().dtype());
  }

  private static double number(Value v) {
    Double value = splat(v);
    return value == null ? Double.NaN : value;
  }

  private static @Nullable Value constant(Rewriter to, double value, DType dtype) {
    if (dtype.isInteger() && !(Math.abs(value) <= EXACT_MAX)) {
      return null;
    }
    Double rounded = round(value, dtype);
    return rounded == null ? null : to.add(new Op.Constant(rounded, dtype));
  }

  private static @Nullable Double cast(double x, DType dtype) {
    if (dtype.isBool()) {
      return x != 0 ? 1.0 : 0.0;
    }
    if (dtype.isFloat()) {
      return round(x, dtype);
    }
    return x < 0 ? Math.ceil(x) : Math.floor(x);
  }

  /// The nearest value of the dtype, or null where that is not known here.
  static @Nullable Double round(double x, DType dtype) {
    return switch (dtype) {
      case F64, BOOL -> x;
      case F32 -> (double) (float) x;
      case BF16 -> (double) FloatFormat.fromBf16(FloatFormat.toBf16((float) x));
      case F16 -> (double) Float.float16ToFloat(Float.floatToFloat16((float) x));
      case F8E4M3, F8E5M2 -> null;
      case I8 -> exact(x, Byte.MIN_VALUE, Byte.MAX_VALUE);
      case I16 -> exact(x, Short.MIN_VALUE, Short.MAX_VALUE);
      case I32 -> exact(x, Integer.MIN_VALUE, Integer.MAX_VALUE);
      case I64 -> exact(x, -EXACT_MAX, EXACT_MAX);
      case U8 -> exact(x, 0, 0xff);
      case U16 -> exact(x, 0, 0xffff);
      case U32 -> exact(x, 0, 0xffff_ffffL);
      case U64 -> exact(x, 0, EXACT_MAX);
    };
  }

  private static @Nullable Double exact(double x, double min, double max) {
    return x >= min && x <= max && x == Math.rint(x) ? x + 0.0 : null;
  }

  private static @Nullable Double unary(Op.Unary op, double x) {
    DType dtype = op.x().type().dtype();
    if (!dtype.isFloat() && !dtype.isInteger()) {
      return op instanceof Op.Not ? 1 - x : null;
    }
    return switch (op) {
      case Op.Neg _ -> -x;
      case Op.Abs _ -> Math.abs(x);
      case Op.Sqrt _ -> Math.sqrt(x);
      default -> null;
    };
  }

  private static @Nullable Double binary(Op.Binary op, double a, double b) {
    boolean floats = op.a().type().dtype().isFloat();
    return switch (op) {
      case Op.Add _ -> a + b;
      case Op.Sub _ -> a - b;
      case Op.Mul _ -> a * b;
      case Op.Div _ -> floats ? a / b : b == 0 ? 0 : (a / b < 0 ? Math.ceil(a / b) : Math.floor(a / b));
      case Op.FloorDiv _ -> floats ? null : b == 0 ? 0 : Math.floor(a / b);
      case Op.Max _ -> Math.max(a, b);
      case Op.Min _ -> Math.min(a, b);
      case Op.Eq _ -> truth(a == b);
      case Op.Ne _ -> truth(a != b);
      case Op.Lt _ -> truth(a < b);
      case Op.Le _ -> truth(a <= b);
      case Op.Gt _ -> truth(a > b);
      case Op.Ge _ -> truth(a >= b);
      default -> null;
    };
  }

  static double truth(boolean b) {
    return b ? 1 : 0;
  }
}
