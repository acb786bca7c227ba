package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.List;

/// What the file says about a tensor value. Strides and offset are in elements; strides of graph inputs are
/// those of the export example and bind nobody.
public record TensorMeta(
    ScalarType type,
    Shape shape,
    List<Dim> strides,
    Dim storageOffset,
    Argument.Layout layout,
    Argument.DeviceArg device,
    boolean requiresGrad) {
  public TensorMeta {
    strides = List.copyOf(strides);
  }

  /// The element type; throws `UnsupportedModelException` for a type DeepStack lacks.
  public DType dtype() {
    return type.dtype();
  }
}
