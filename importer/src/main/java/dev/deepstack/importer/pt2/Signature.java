package dev.deepstack.importer.pt2;

import java.util.List;

/// What each graph input and output means. `inputs` has one entry per graph input and `outputs` one per graph
/// output, in the same order: mutations first, then what the caller gets.
public record Signature(List<InputSpec> inputs, List<OutputSpec> outputs) {
  public Signature {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /// Where a graph input comes from. `value` is its name in the graph, the second name is the weight's.
  public sealed interface InputSpec {
    /// A trained weight.
    record Parameter(String value, String parameterName) implements InputSpec {}

    /// A buffer: stored with the weights when persistent, with the constants otherwise. May be mutated.
    record Buffer(String value, String bufferName, boolean persistent) implements InputSpec {}

    /// A tensor that was a constant in the code. May be mutated as well.
    record TensorConstant(String value, String constantName) implements InputSpec {}

    /// A script object.
    record CustomObj(String value, String objectName) implements InputSpec {}

    /// An ordering token without content.
    record Token(String value) implements InputSpec {}

    /// A Python literal baked in at export; the caller may only pass the same. `name` is the parameter's.
    record ConstantInput(String name, Argument value) implements InputSpec {}

    /// Given by the caller.
    record UserInput(Argument arg) implements InputSpec {}
  }

  /// What a graph output is for.
  public sealed interface OutputSpec {
    /// Copy `value` into the buffer after the call.
    record BufferMutation(String value, String bufferName) implements OutputSpec {}

    /// Copy `value` into the parameter after the call.
    record ParameterMutation(String value, String parameterName) implements OutputSpec {}

    /// Copy `value` into the caller's tensor after the call.
    record UserInputMutation(String value, String inputName) implements OutputSpec {}

    /// A result: a tensor, a symbolic number or a literal; it may name an input.
    record UserOutput(Argument arg) implements OutputSpec {}

    /// A loss of a joint training graph.
    record Loss(String value) implements OutputSpec {}

    /// A gradient of a joint training graph.
    record GradientToParameter(String value, String parameterName) implements OutputSpec {}

    /// A gradient of a joint training graph.
    record GradientToUserInput(String value, String inputName) implements OutputSpec {}

    /// An ordering token without content.
    record Token(String value) implements OutputSpec {}
  }
}
