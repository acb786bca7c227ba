package dev.deepstack.ir;

import dev.deepstack.tensor.TensorType;

/// Result of one op in one graph. Values compare by id, so equality of ops is shallow and a map from ops to values is
/// common-subexpression elimination.
public record Value(Op op, TensorType type, int id) {
  @Override
  public boolean equals(@org.jspecify.annotations.Nullable Object other) {
    return other instanceof Value v && v.id == id;
  }

  @Override
  public int hashCode() {
    return id;
  }

  @Override
  public String toString() {
    return "%" + id;
  }
}
