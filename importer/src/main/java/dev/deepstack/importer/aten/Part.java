package dev.deepstack.importer.aten;

import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.TensorType;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/// How a lowering for real numbers sees complex operands: one part of each, and what it gives is kept here.
///
/// @param first the part, 0 or 1, of the operand that comes first
/// @param other the part of all others
/// @param results what the lowering gave, by the number of the result
record Part(int first, int other, Map<Integer, Value> results) {
  /// The names of operands whose imaginary part is zero when they are real. Others, as masks and indices, are the same
  /// for both parts.
  private static final Set<String> VALUES =
      Set.of("self", "other", "value", "values", "fill_value", "tensors", "src", "source", "input", "end");
  private static final Set<String> FIRST = Set.of("self", "input");

  static Part of(int first, int other) {
    return new Part(first, other, new TreeMap<>());
  }

  private int number(String argument, int index) {
    return FIRST.contains(argument) || argument.equals("tensors") && index == 0 ? first : other;
  }

  /// Whether the imaginary part of a real operand is wanted, which is zero.
  boolean isZero(String argument, int index) {
    return number(argument, index) == 1 && VALUES.contains(argument);
  }

  /// What the lowering sees of an operand.
  Value of(Emit e, Value x, boolean complex, String argument, int index) {
    if (complex) {
      int last = x.type().rank() - 1;
      return e.reshape(e.slice(x, last, Dim.of(number(argument, index)), Dim.ONE, 1), x.type().shape().without(last));
    }
    return isZero(argument, index) ? e.full(0, x.type().dtype(), x.type().shape()) : x;
  }

  /// What the lowering sees of a literal.
  double of(double real, double imaginary, String argument) {
    return number(argument, 0) == 0 ? real : imaginary;
  }

  /// The type of one part.
  static TensorType type(TensorType pairs) {
    return pairs.withShape(pairs.shape().without(pairs.rank() - 1));
  }

  /// The results in order.
  List<Value> values() {
    return List.copyOf(results.values());
  }
}
