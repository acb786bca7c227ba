package dev.deepstack.importer;

import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;

/// The tensors of a checkpoint under the names that a decoder's graph gives them.
///
/// A name with a `*` is asked for slice by slice, with the index in place of the `*`.
public interface WeightSource {
  /// A tensor, a view of the mapped file where its bytes lie there as the graph wants them. What must be computed
  /// (codes in another order, a matrix dequantized) is computed at each call.
  ///
  /// @param arena of computed tensors
  /// @throws dev.deepstack.tensor.InvalidInputException when there is no such tensor
  StridedTensor tensor(String name, Arena arena);
}
