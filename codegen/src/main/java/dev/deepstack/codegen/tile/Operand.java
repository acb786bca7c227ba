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

  /// The same elements in another shape, or null when strides can't say it: axes that lie evenly are one run, and each
  /// run must be a product of neighbouring new extents.
  public @org.jspecify.annotations.Nullable Operand reshape(Shape to) {
    if (isContiguous()) {
      return new Operand(buffer, type.withShape(to), offset, to.strides());
    }
    var reversed = new ArrayList<Dim>();
    int at = to.rank() - 1;
    for (Run run : runs().reversed()) {
      Dim extent = Dim.ONE;
      while (!extent.equals(run.extent)) {
        if (at < 0) {
          return null;
        }
        reversed.add(run.stride.times(extent));
        extent = extent.times(to.dim(at--));
      }
    }
    while (at >= 0) {
      if (!to.dim(at--).is(1)) {
        return null;
      }
      reversed.add(Dim.ZERO);
    }
    return new Operand(buffer, type.withShape(to), offset, reversed.reversed());
  }

  private record Run(Dim extent, Dim stride) {}

  /// Neighbouring axes that together step evenly, unit axes left out.
  private List<Run> runs() {
    var runs = new ArrayList<Run>();
    for (int i = 0; i < strides.size(); i++) {
      Dim extent = type.dim(i);
      Dim stride = strides.get(i);
      if (extent.is(1)) {
        continue;
      }
      if (!runs.isEmpty() && runs.getLast().stride.equals(stride.times(extent))) {
        extent = extent.times(runs.removeLast().extent);
      }
      runs.add(new Run(extent, stride));
    }
    return runs;
  }
}
