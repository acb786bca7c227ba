package dev.deepstack.importer.aten;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.List;

/// How a view sees its base: forwards as an op, backwards as the base with the view's elements replaced.
sealed interface ViewStep {
  Value apply(Emit e, Value base);

  /// `base` with the elements this view sees set to `part`.
  Value put(Emit e, Value base, Value part);

  record Reshaped(Shape shape) implements ViewStep {
    @Override
    public Value apply(Emit e, Value base) {
      return e.reshape(base, shape);
    }

    @Override
    public Value put(Emit e, Value base, Value part) {
      return e.reshape(part, base.type().shape());
    }
  }

  record Permuted(List<Integer> axes) implements ViewStep {
    @Override
    public Value apply(Emit e, Value base) {
      return e.permute(base, axes);
    }

    @Override
    public Value put(Emit e, Value base, Value part) {
      return e.permute(part, Emit.inverse(axes));
    }
  }

  record Sliced(int axis, Dim start, Dim size, long step) implements ViewStep {
    @Override
    public Value apply(Emit e, Value base) {
      return e.slice(base, axis, start, size, step);
    }

    @Override
    public Value put(Emit e, Value base, Value part) {
      if (start.is(0) && step == 1 && size.equals(base.type().dim(axis))) {
        return part;
      }
      if (size.is(0)) {
        return base;
      }
      return e.of(new Op.Scatter(base, e.range(start, size, step), part, axis, Op.Combine.SET));
    }
  }

  /// One element is seen at several places, so a write has no meaning.
  record Broadcast(Shape shape) implements ViewStep {
    @Override
    public Value apply(Emit e, Value base) {
      return e.expand(base, shape);
    }

    @Override
    public Value put(Emit e, Value base, Value part) {
      if (base.type().equals(part.type())) {
        return part;
      }
      throw new Refusal("a write into an expanded tensor");
    }
  }

  /// Elements of the base, counted row by row, at indices of a shape; where one is seen at several places, the last
  /// write wins.
  record Picked(Value indices) implements ViewStep {
    @Override
    public Value apply(Emit e, Value base) {
      Value all = e.of(new Op.Gather(e.flatten(base), e.flatten(indices), 0));
      return e.reshape(all, indices.type().shape());
    }

    @Override
    public Value put(Emit e, Value base, Value part) {
      Value all = e.of(new Op.Scatter(e.flatten(base), e.flatten(indices), e.flatten(part), 0, Op.Combine.SET));
      return e.reshape(all, base.type().shape());
    }
  }

  /// Windows along an axis, the elements of each as the last axis.
  record Unfolded(int axis, Dim count, long size, long step) implements ViewStep {
    @Override
    public Value apply(Emit e, Value base) {
      int rank = base.type().rank();
      if (rank == 0) {
        return e.reshape(base, Shape.of(1));
      }
      Value windows = e.of(new Op.Windows(base, axis, count, size, step, 1));
      return e.permute(windows, Emit.moved(rank + 1, axis + 1, rank));
    }

    @Override
    public Value put(Emit e, Value base, Value part) {
      Shape shape = base.type().shape();
      Value places = apply(e, e.reshape(e.of(new Op.Iota(shape.elements())), shape));
      return new Picked(places).put(e, base, part);
    }
  }
}
