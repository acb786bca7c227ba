package dev.deepstack.reference;

import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.util.function.DoubleBinaryOperator;
import java.util.function.DoubleUnaryOperator;
import java.util.function.LongBinaryOperator;
import java.util.function.LongUnaryOperator;

/// Ops that compute each element by itself; operands broadcast.
final class Elementwise {
  private Elementwise() {}

  static HostTensor unary(Op.Unary op, HostTensor x) {
    if (op instanceof Op.IsNan) {
      HostTensor result = HostTensor.zeros(DType.BOOL, x.shape());
      each(result, i -> result.setLong(i, x.dtype().isFloat() && Double.isNaN(x.getDouble(i)) ? 1 : 0));
      return result;
    }
    HostTensor result = HostTensor.zeros(x.dtype(), x.shape());
    if (x.dtype().isFloat()) {
      DoubleUnaryOperator f = Floats.unary(op);
      each(result, i -> result.setDouble(i, f.applyAsDouble(x.getDouble(i))));
    } else {
      LongUnaryOperator f = Integers.unary(op, x.dtype());
      each(result, i -> Integers.set(result, i, f.applyAsLong(x.getLong(i))));
    }
    return result;
  }

  static HostTensor binary(Op.Binary op, HostTensor a, HostTensor b, long[] shape) {
    HostTensor result = HostTensor.zeros(a.dtype(), shape);
    long[] strideA = Walk.broadcast(a.shape(), shape);
    long[] strideB = Walk.broadcast(b.shape(), shape);
    if (a.dtype().isFloat()) {
      DoubleBinaryOperator f = Floats.binary(op);
      Walk.each(shape, (i, index) -> result.setDouble(i, f.applyAsDouble(
          a.getDouble(Walk.flat(index, strideA)), b.getDouble(Walk.flat(index, strideB)))));
    } else {
      LongBinaryOperator f = Integers.binary(op);
      Walk.each(shape, (i, index) -> Integers.set(result, i, f.applyAsLong(
          a.getLong(Walk.flat(index, strideA)), b.getLong(Walk.flat(index, strideB)))));
    }
    return result;
  }

  static HostTensor comparison(Op.Comparison op, HostTensor a, HostTensor b, long[] shape) {
    HostTensor result = HostTensor.zeros(DType.BOOL, shape);
    long[] strideA = Walk.broadcast(a.shape(), shape);
    long[] strideB = Walk.broadcast(b.shape(), shape);
    Walk.each(shape, (i, index) -> {
      long at = Walk.flat(index, strideA);
      long bt = Walk.flat(index, strideB);
      boolean holds = a.dtype().isFloat()
          ? Floats.compare(op, a.getDouble(at), b.getDouble(bt))
          : Integers.compare(op, a.getLong(at), b.getLong(bt));
      result.setLong(i, holds ? 1 : 0);
    });
    return result;
  }

  static HostTensor select(HostTensor condition, HostTensor a, HostTensor b, long[] shape) {
    HostTensor result = HostTensor.zeros(a.dtype(), shape);
    long[] strideC = Walk.broadcast(condition.shape(), shape);
    long[] strideA = Walk.broadcast(a.shape(), shape);
    long[] strideB = Walk.broadcast(b.shape(), shape);
    Walk.each(shape, (i, index) -> {
      if (condition.getLong(Walk.flat(index, strideC)) != 0) {
        Walk.copy(a, Walk.flat(index, strideA), result, i);
      } else {
        Walk.copy(b, Walk.flat(index, strideB), result, i);
      }
    });
    return result;
  }

  static HostTensor cast(HostTensor x, DType dtype) {
    HostTensor result = HostTensor.zeros(dtype, x.shape());
    boolean fromFloat = x.dtype().isFloat();
    each(result, i -> {
      if (dtype.isBool()) {
        result.setLong(i, fromFloat ? x.getDouble(i) != 0 ? 1 : 0 : x.getLong(i));
      } else if (dtype.isFloat()) {
        result.setDouble(i, fromFloat ? x.getDouble(i) : Integers.toDouble(x.getLong(i), dtype));
      } else {
        Integers.set(result, i, fromFloat ? Floats.toLong(x.getDouble(i)) : x.getLong(i));
      }
    });
    return result;
  }

  private static void each(HostTensor tensor, java.util.function.LongConsumer body) {
    long count = tensor.elements();
    for (long i = 0; i < count; i++) {
      body.accept(i);
    }
  }
}
