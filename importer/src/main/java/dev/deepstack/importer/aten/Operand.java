package dev.deepstack.importer.aten;

import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// An operand of an element-wise operator: a tensor, or a Python number, which takes part in type promotion
/// only by its category.
///
/// @param tensor null for a literal
/// @param number the literal
/// @param dtype of the tensor, or the default type of the number's category
/// @param weak whether Python gave a number
record Operand(@Nullable Value tensor, double number, DType dtype, boolean weak) {
  static Operand of(Value tensor) {
    return new Operand(tensor, 0, tensor.type().dtype(), false);
  }

  static Operand of(double number) {
    return new Operand(null, number, DType.F32, true);
  }

  static Operand of(long number) {
    return new Operand(null, number, DType.I64, true);
  }

  static Operand of(boolean truth) {
    return new Operand(null, truth ? 1 : 0, DType.BOOL, true);
  }

  /// A number known only when the program is called.
  static Operand weak(Value scalar, DType category) {
    return new Operand(scalar, 0, category, true);
  }

  Value as(Emit e, DType type) {
    return tensor == null ? e.constant(number, type) : e.cast(tensor, type);
  }

  /// Whether PyTorch keeps this operand in f32 when it computes in a 16-bit type that cannot hold it.
  boolean isWiderScalar(DType type) {
    if (type.bytes() >= 4 || !type.isFloat()) {
      return false;
    }
    if (tensor == null) {
      return Emit.round(number, type) != number;
    }
    return tensor.type().rank() == 0 && dtype.isFloat() && dtype.bytes() > type.bytes();
  }

  /// PyTorch's result type of the operands.
  static DType promote(List<Operand> operands) {
    DType tensors = null;
    DType scalars = null;
    DType numbers = null;
    for (Operand o : operands) {
      if (o.weak) {
        numbers = join(numbers, o.dtype);
      } else if (o.tensor != null && o.tensor.type().rank() == 0) {
        scalars = join(scalars, o.dtype);
      } else {
        tensors = join(tensors, o.dtype);
      }
    }
    DType result = combine(combine(tensors, scalars), numbers);
    if (result == null) {
      throw new IllegalArgumentException("no operands");
    }
    return result;
  }

  private static DType join(@Nullable DType a, DType b) {
    return a == null ? b : DType.promote(a, b);
  }

  /// The lower group counts only where its category is higher.
  private static @Nullable DType combine(@Nullable DType higher, @Nullable DType lower) {
    if (higher == null || lower == null) {
      return higher == null ? lower : higher;
    }
    return lower.category() > higher.category() ? lower : higher;
  }
}
