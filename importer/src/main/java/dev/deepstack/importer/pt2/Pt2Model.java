package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.tensor.StridedTensor;
import org.jspecify.annotations.Nullable;

/// A program of a `.pt2` file with what the file stores for it.
///
/// `weights` holds parameters and persistent buffers, `constants` non-persistent buffers and lifted
/// constants; both live as long as the arena the file was opened in.
public record Pt2Model(String name, ExportedProgram program, Weights weights, Weights constants) {
  /// The stored tensor bound to a graph input, or null for inputs that are not tensors of the file. Throws as
  /// [Weights#tensor].
  public @Nullable StridedTensor tensor(InputSpec spec) {
    return switch (spec) {
      case InputSpec.Parameter(_, var name) -> weights.tensor(name);
      case InputSpec.Buffer(_, var name, var persistent) -> (persistent ? weights : constants).tensor(name);
      case InputSpec.TensorConstant(_, var name) -> constants.tensor(name);
      case InputSpec.CustomObj(_, var name) -> constants.tensor(name);
      case InputSpec.Token _, InputSpec.ConstantInput _, InputSpec.UserInput _ -> null;
    };
  }
}
