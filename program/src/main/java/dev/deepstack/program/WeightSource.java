package dev.deepstack.program;

import dev.deepstack.tensor.StridedTensor;

/// Where a program's weights come from: usually a mapped checkpoint.
@FunctionalInterface
public interface WeightSource {
  /// The tensor of this name.
  ///
  /// @throws dev.deepstack.tensor.MalformedModelException when there is none
  StridedTensor weight(String name);
}
