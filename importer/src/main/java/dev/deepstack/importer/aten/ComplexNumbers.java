package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.ScalarType;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Complex tensors inside a program, as rotary embeddings use them: a real tensor with one more axis of two,
/// real part first, so that `view_as_complex` and `view_as_real` change nothing. Only the operators listed here
/// take them.
final class ComplexNumbers {
  private static final Set<String> ALLOWED = Set.of(
      "polar", "complex", "view_as_complex", "view_as_real", "real", "imag", "mul",
      "unsqueeze", "view", "reshape", "to", "_to_copy", "clone", "detach", "alias", "contiguous",
      "_assert_tensor_metadata", "_conj", "conj", "conj_physical", "resolve_conj");

  private ComplexNumbers() {}

  static void add(Operators.Builder table) {
    table.aten("polar", c -> c.set(polar(c)))
        .aten("complex", c -> c.set(pair(c.e, c.tensor("real"), c.tensor("imag"))))
        .aten("view_as_complex view_as_real", c -> c.alias("self"))
        .aten("_conj conj conj_physical", c -> c.set(conjugate(c)))
        .aten("real", c -> part(c, 0))
        .aten("imag", c -> part(c, 1));
  }

  /// Whether the operator knows complex operands.
  static boolean takes(String target) {
    String[] parts = target.split("\\.", -1);
    return target.startsWith("torch.ops.aten.") && ALLOWED.contains(parts[3]);
  }

  /// The element type of the parts, or null for types that are not complex.
  static @Nullable DType partType(ScalarType type) {
    return switch (type) {
      case COMPLEX64 -> DType.F32;
      case COMPLEX128 -> DType.F64;
      default -> null;
    };
  }

  private static Value pair(Emit e, Value real, Value imaginary) {
    int last = real.type().rank();
    return e.of(new Op.Concat(List.of(e.unsqueeze(real, last), e.unsqueeze(imaginary, last)), last));
  }

  private static Value polar(Call c) {
    Value size = c.tensor("abs");
    Value angle = c.tensor("angle");
    Value real = c.e.mul(size, c.e.of(new Op.Cos(angle)));
    return pair(c.e, real, c.e.mul(size, c.e.of(new Op.Sin(angle))));
  }

  private static Value at(Emit e, Value x, long part) {
    int last = x.type().rank() - 1;
    return e.reshape(e.slice(x, last, Dim.of(part), Dim.ONE, 1), x.type().shape().without(last));
  }

  private static Value conjugate(Call c) {
    Value x = c.tensor("self");
    if (!c.isComplex("self")) {
      return x;
    }
    return pair(c.e, at(c.e, x, 0), c.e.of(new Op.Neg(at(c.e, x, 1))));
  }

  private static void part(Call c, long part) {
    if (c.isComplex("self")) {
      TensorType x = c.tensor("self").type();
      int last = x.rank() - 1;
      c.view("self", new ViewStep.Sliced(last, Dim.of(part), Dim.ONE, 1),
          new ViewStep.Reshaped(x.shape().without(last)));
    } else if (part == 0) {
      c.alias("self");
    } else {
      throw new Refusal("the imaginary part of real numbers");
    }
  }

  /// The product of two operands of which at least one is complex.
  static Value multiply(Call c) {
    Emit e = c.e;
    if (!c.isComplex("self") || !c.isComplex("other")) {
      return e.mul(stretched(c, "self"), stretched(c, "other"));
    }
    Value a = c.tensor("self");
    Value b = c.tensor("other");
    Value real = e.sub(e.mul(at(e, a, 0), at(e, b, 0)), e.mul(at(e, a, 1), at(e, b, 1)));
    return pair(e, real, e.add(e.mul(at(e, a, 0), at(e, b, 1)), e.mul(at(e, a, 1), at(e, b, 0))));
  }

  /// A real operand with an axis of one, which meets both parts.
  private static Value stretched(Call c, String name) {
    Value x = c.operand(name).as(c.e, c.dtype());
    if (c.isComplex(name) || x.type().rank() == 0) {
      return x;
    }
    var dims = new ArrayList<>(x.type().shape().dims());
    dims.add(Dim.ONE);
    return c.e.reshape(x, dims);
  }
}
