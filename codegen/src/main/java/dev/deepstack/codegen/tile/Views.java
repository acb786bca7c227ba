package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Op;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Views as stride arithmetic.
final class Views {
  private Views() {}

  /// The operand seen through a view, or null when strides can't say it.
  static @Nullable Operand apply(Op.View view, Operand x) {
    return switch (view) {
      case Op.Reshape(var _, Shape shape) -> x.reshape(shape);
      case Op.Permute(var _, var axes) -> new Operand(x.buffer(),
          x.type().withShape(new Shape(axes.stream().map(a -> x.shape().dim(a)).toList())), x.offset(),
          axes.stream().map(a -> x.strides().get(a)).toList());
      case Op.Expand(var _, Shape shape) -> {
        var strides = new ArrayList<Dim>();
        int skip = shape.rank() - x.shape().rank();
        for (int i = 0; i < shape.rank(); i++) {
          boolean repeated = i < skip || x.shape().dim(i - skip).is(1);
          strides.add(repeated ? Dim.ZERO : x.strides().get(i - skip));
        }
        yield new Operand(x.buffer(), x.type().withShape(shape), x.offset(), strides);
      }
      case Op.Slice(var _, int axis, Dim start, Dim size, long step) -> {
        var strides = new ArrayList<>(x.strides());
        Dim stride = strides.get(axis);
        strides.set(axis, stride.times(step));
        yield new Operand(x.buffer(), x.type().withShape(x.shape().with(axis, size)),
            x.offset().plus(start.times(stride)), List.copyOf(strides));
      }
      case Op.Windows(var _, int axis, Dim count, long size, long step, long dilation) -> {
        var strides = new ArrayList<>(x.strides());
        var dims = new ArrayList<>(x.shape().dims());
        Dim stride = strides.get(axis);
        strides.set(axis, stride.times(step));
        strides.add(axis + 1, stride.times(dilation));
        dims.set(axis, count);
        dims.add(axis + 1, Dim.of(size));
        yield new Operand(x.buffer(), x.type().withShape(new Shape(dims)), x.offset(), strides);
      }
    };
  }
}
