package dev.deepstack.codegen.tile;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/// A strided view of one buffer of the pointer table: element `[i, j, …]` lies at
/// `offset + i * strides[0] + j * strides[1] …`, counted in elements.
public record Operand(int buffer, TensorType type, Dim offset, List<Dim> strides) {
  public Operand {
    strides = List.copyOf(strides);
  }

  /// A whole buffer, row-major.
  public static Operand whole(int buffer, TensorType type) {
    return new Operand(buffer, type, Dim.ZERO, type.shape().strides());
  }

  public DType dtype() {
    return type.dtype();
  }

  public Shape shape() {
    return type.shape();
  }

  /// Address of an element, in elements.
  public Dim at(List<Dim> index) {
    Dim address = offset;
    for (int i = 0; i < strides.size(); i++) {
      address = address.plus(index.get(i).times(strides.get(i)));
    }
    return address;
  }

  /// `size` elements of an axis from `start`.
  public Operand slice(int axis, Dim start, Dim size) {
    return new Operand(buffer, type.withShape(type.shape().with(axis, size)),
        offset.plus(start.times(strides.get(axis))), strides);
  }

  public boolean isContiguous() {
    List<Dim> dense = type.shape().strides();
    for (int i = 0; i < strides.size(); i++) {
      if (!type.dim(i).is(1) && !strides.get(i).equals(dense.get(i))) {
        return false;
      }
    }
    return true;
  }

  /// The same elements in another shape, or null when strides can't say it.
  public @org.jspecify.annotations.Nullable Operand reshape(Shape to) {
    if (isContiguous()) {
      return new Operand(buffer, type.withShape(to), offset, to.strides());
    }
    var strides = new ArrayList<Dim>();
    int from = 0;
    List<Dim> dims = type.shape().dims();
    for (int i = 0; i < to.rank(); ) {
      if (to.dim(i).is(1)) {
        strides.add(Dim.ZERO);
        i++;
        continue;
      }
      while (from < dims.size() && dims.get(from).is(1)) {
        from++;
      }
      if (from == dims.size()) {
        return null;
      }
      // Only whole axes, or one axis split into several, keep their strides.
      Dim extent = dims.get(from);
      int end = i;
      Dim product = Dim.ONE;
      while (end < to.rank() && !product.equals(extent)) {
        product = product.times(to.dim(end++));
      }
      if (!product.equals(extent)) {
        return null;
      }
      Dim stride = this.strides.get(from++);
      var group = new ArrayList<Dim>();
      for (int k = end - 1; k >= i; k--) {
        group.addFirst(stride);
        stride = stride.times(to.dim(k));
      }
      strides.addAll(group);
      i = end;
    }
    while (from < dims.size()) {
      if (!dims.get(from++).is(1)) {
        return null;
      }
    }
    return new Operand(buffer, type.withShape(to), offset, strides);
  }
}
