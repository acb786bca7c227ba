package dev.deepstack.reference;

import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/// The element-wise ops on integers and bools, in 64 bits; [#set] wraps the result to its width.
final class Integers {
  private Integers() {}

  static LongUnaryOperator unary(Op.Unary op, DType dtype) {
    return switch (op) {
      case Op.Neg _ -> x -> -x;
      case Op.Abs _ -> Math::abs;
      case Op.Sign _ -> Long::signum;
      case Op.Floor _, Op.Ceil _, Op.Round _, Op.Trunc _ -> x -> x;
      case Op.Not _ -> dtype.isBool() ? x -> x ^ 1 : x -> ~x;
      case Op.Exp _, Op.Expm1 _, Op.Log _, Op.Log1p _, Op.Sqrt _, Op.Rsqrt _, Op.Sin _, Op.Cos _, Op.Tanh _,
          Op.Sigmoid _, Op.Erf _, Op.IsNan _, Op.CumSum _ -> throw notForIntegers(op);
    };
  }

  static LongBinaryOperator binary(Op.Binary op) {
    return switch (op) {
      case Op.Add _ -> Long::sum;
      case Op.Sub _ -> (a, b) -> a - b;
      case Op.Mul _ -> (a, b) -> a * b;
      case Op.Div _ -> (a, b) -> b == 0 ? 0 : a / b;
      case Op.FloorDiv _ -> (a, b) -> b == 0 ? 0 : Math.floorDiv(a, b);
      case Op.Rem _ -> (a, b) -> b == 0 ? 0 : Math.floorMod(a, b);
      case Op.Max _ -> Math::max;
      case Op.Min _ -> Math::min;
      case Op.And _ -> (a, b) -> a & b;
      case Op.Or _ -> (a, b) -> a | b;
      case Op.Xor _ -> (a, b) -> a ^ b;
      case Op.Pow _, Op.Comparison _ -> throw notForIntegers(op);
    };
  }

  static boolean compare(Op.Comparison op, long a, long b) {
    return switch (op) {
      case Op.Eq _ -> a == b;
      case Op.Ne _ -> a != b;
      case Op.Lt _ -> a < b;
      case Op.Le _ -> a <= b;
      case Op.Gt _ -> a > b;
      case Op.Ge _ -> a >= b;
    };
  }

  private static IrException notForIntegers(Op op) {
    return new IrException(OpSchema.name(op) + " is not defined for integers");
  }

  /// Stores the low bits that the dtype holds.
  static void set(HostTensor tensor, long at, long value) {
    tensor.setLong(at, wrap(tensor.dtype(), value));
  }

  static long wrap(DType dtype, long value) {
    return switch (dtype) {
      case BOOL -> value != 0 ? 1 : 0;
      case U8 -> value & 0xff;
      case I8 -> (byte) value;
      case U16 -> value & 0xffff;
      case I16 -> (short) value;
      case U32 -> value & 0xffffffffL;
      case I32 -> (int) value;
      case I64, U64 -> value;
      case F8E4M3, F8E5M2, F16, BF16, F32, F64 -> throw new IllegalArgumentException("not an integer: " + dtype);
    };
  }

  /// To f64, or to f32 in one rounding on the way to it or something narrower.
  static double toDouble(long value, DType dtype) {
    return dtype == DType.F64 ? (double) value : (float) value;
  }
}
