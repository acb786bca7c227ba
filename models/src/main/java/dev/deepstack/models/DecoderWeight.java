package dev.deepstack.models;

import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Shape;
import java.util.List;

/// A weight of a decoder under the name that its graph gives it.
///
/// @param name a `*` stands for the index along the first axis: each slice is a tensor of its own, named by its index
/// @param layer the layer it belongs to, or -1
/// @param shape as the arithmetic sees it, whatever the storage
public record DecoderWeight(String name, int layer, Role role, List<Long> shape) {
  /// What a weight is for.
  public enum Role {
    /// Rows looked up by token.
    EMBEDDING,
    /// A matrix of attention or of a dense layer that every token reads.
    LINEAR,
    /// The per-head matrices that take latents apart, `[heads, out, in]`.
    PER_HEAD,
    /// Routed experts, `[experts, out, in]`: a token reads only its own.
    EXPERT,
    /// The matrix that scores experts.
    ROUTER,
    HEAD,
    NORM,
    BIAS,
    /// Attention sinks and other small vectors.
    VECTOR
  }

  public DecoderWeight {
    shape = List.copyOf(shape);
  }

  /// Elements in all.
  public long parameters() {
    return HostTensor.count(extents());
  }

  public long[] extents() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  public Shape typeShape() {
    return Shape.of(extents());
  }

  /// The form that the decoder's storage gives it.
  public StoredForm form(DecoderSpec.Storage storage) {
    return switch (role) {
      case LINEAR, PER_HEAD -> storage.linear();
      case EXPERT -> storage.experts();
      case HEAD -> storage.head();
      case EMBEDDING, ROUTER, NORM, BIAS, VECTOR -> storage.other();
    };
  }

  /// Bytes in a form.
  public long bytes(StoredForm form) {
    long columns = shape.getLast();
    return columns == 0 ? 0 : form.bytes(parameters() / columns, columns);
  }
}
