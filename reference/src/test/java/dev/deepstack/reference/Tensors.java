package dev.deepstack.reference;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;

/// Small tensors, and ops applied to them.
final class Tensors {
  private Tensors() {}

  static HostTensor of(DType dtype, long[] shape, double... values) {
    HostTensor t = HostTensor.zeros(dtype, shape);
    for (int i = 0; i < values.length; i++) {
      t.setDouble(i, values[i]);
    }
    return t;
  }

  static HostTensor vector(DType dtype, double... values) {
    return of(dtype, shape(values.length), values);
  }

  static HostTensor f32(double... values) {
    return vector(DType.F32, values);
  }

  static HostTensor i64(long... values) {
    return HostTensor.of(values, values.length);
  }

  static HostTensor bool(double... values) {
    return vector(DType.BOOL, values);
  }

  static long[] shape(long... extents) {
    return extents;
  }

  /// The op that `make` builds on operands of the tensors' types, evaluated on the tensors.
  static HostTensor apply(Function<List<Value>, Op> make, HostTensor... operands) {
    var g = new Graph();
    var values = new ArrayList<Value>();
    for (HostTensor t : operands) {
      values.add(g.input("x" + values.size(), t.type()));
    }
    return Interpreter.evaluate(make.apply(values), operands);
  }

  static double[] doubles(HostTensor t) {
    var values = new double[Math.toIntExact(t.elements())];
    for (int i = 0; i < values.length; i++) {
      values[i] = t.getDouble(i);
    }
    return values;
  }

  static double[] unary(Function<Value, Op> op, HostTensor x) {
    return doubles(apply(v -> op.apply(v.get(0)), x));
  }

  static double[] binary(java.util.function.BiFunction<Value, Value, Op> op, HostTensor a, HostTensor b) {
    return doubles(apply(v -> op.apply(v.get(0), v.get(1)), a, b));
  }
}
