package dev.deepstack.tensor;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Extents of a tensor, outermost first. Text form: `[1,s27,64]`; a scalar is `[]`.
public record Shape(List<Dim> dims) {
  /// The shape of a scalar.
  public static final Shape SCALAR = new Shape(List.of());

  public Shape {
    dims = List.copyOf(dims);
  }

  public static Shape of(long... extents) {
    return new Shape(Arrays.stream(extents).mapToObj(Dim::of).toList());
  }

  public static Shape of(Dim... extents) {
    return new Shape(List.of(extents));
  }

  public int rank() {
    return dims.size();
  }

  /// Extent of an axis; negative axes count from the end.
  public Dim dim(int axis) {
    return dims.get(axis(axis));
  }

  /// The axis as a non-negative index.
  ///
  /// @throws IndexOutOfBoundsException when out of range
  public int axis(int axis) {
    int a = axis < 0 ? axis + rank() : axis;
    return java.util.Objects.checkIndex(a, rank());
  }

  /// Number of elements.
  public Dim elements() {
    Dim product = Dim.ONE;
    for (Dim d : dims) {
      product = product.times(d);
    }
    return product;
  }

  /// Row-major strides in elements.
  public List<Dim> strides() {
    var strides = new ArrayList<Dim>();
    Dim stride = Dim.ONE;
    for (int i = rank() - 1; i >= 0; i--) {
      strides.addFirst(stride);
      stride = stride.times(dims.get(i));
    }
    return strides;
  }

  public Shape with(int axis, Dim extent) {
    var copy = new ArrayList<>(dims);
    copy.set(axis(axis), extent);
    return new Shape(copy);
  }

  public Shape without(int axis) {
    var copy = new ArrayList<>(dims);
    copy.remove(axis(axis));
    return new Shape(copy);
  }

  public boolean isStatic() {
    return dims.stream().allMatch(Dim::isConstant);
  }

  /// @throws IllegalStateException when symbolic
  public long[] toLongs() {
    return dims.stream().mapToLong(Dim::constant).toArray();
  }

  public long[] evaluate(Map<String, Long> symbols) {
    return dims.stream().mapToLong(d -> d.evaluate(symbols)).toArray();
  }

  @Override
  public String toString() {
    return "[" + String.join(",", dims.stream().map(Dim::toString).toList()) + "]";
  }
}
