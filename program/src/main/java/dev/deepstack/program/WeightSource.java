package dev.deepstack.program;

import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;

/// Where a program's weights come from: usually a mapped checkpoint.
@FunctionalInterface
public interface WeightSource {
  /// The tensor of this name.
  ///
  /// @throws dev.deepstack.tensor.MalformedModelException when there is none
  StridedTensor weight(String name);

  /// As [#weight(String)], for one who is done with the tensor when `scratch` closes: what must be computed may lie
  /// there.
  default StridedTensor weight(String name, Arena scratch) {
    return weight(name);
  }
}
