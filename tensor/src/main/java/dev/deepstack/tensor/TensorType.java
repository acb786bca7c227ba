package dev.deepstack.tensor;

/// Type of a value: element type and shape. Text form: `f32[1,s27,64]`.
public record TensorType(DType dtype, Shape shape) {
  public static TensorType of(DType dtype, long... extents) {
    return new TensorType(dtype, Shape.of(extents));
  }

  public static TensorType scalar(DType dtype) {
    return new TensorType(dtype, Shape.SCALAR);
  }

  public Dim dim(int axis) {
    return shape.dim(axis);
  }

  public int rank() {
    return shape.rank();
  }

  public TensorType withDtype(DType other) {
    return new TensorType(other, shape);
  }

  public TensorType withShape(Shape other) {
    return new TensorType(dtype, other);
  }

  @Override
  public String toString() {
    return dtype.text() + shape;
  }
}
