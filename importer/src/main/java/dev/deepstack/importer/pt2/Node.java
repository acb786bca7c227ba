package dev.deepstack.importer.pt2;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// One call in a graph.
///
/// `target` is the operator's full name, as `torch.ops.aten.linear.default` or `_operator.mul`. `outputs` has
/// one argument per returned value (a returned list is one [Argument.TensorsArg]) and is empty where nothing
/// is returned. `name` is the node's own name, informative only; `moduleStack` the path of modules it came
/// from; `singleTensorReturn` says, for sub-graph operators of newer files, whether the result is a bare
/// tensor.
public record Node(
    String target,
    List<NamedArgument> inputs,
    List<Argument> outputs,
    @Nullable String name,
    @Nullable String moduleStack,
    @Nullable Boolean singleTensorReturn) {
  public Node {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }

  /// The argument of that parameter name, or null where the file leaves it at its default.
  public @Nullable Argument argument(String parameter) {
    for (var input : inputs) {
      if (input.name().equals(parameter)) {
        return input.arg();
      }
    }
    return null;
  }

  /// Where this node comes from, for messages: its target and, where known, the innermost module.
  public String where() {
    if (moduleStack == null || moduleStack.isEmpty()) {
      return target;
    }
    var innermost = moduleStack.substring(moduleStack.lastIndexOf(';') + 1).split(",", -1);
    return innermost.length > 1 && !innermost[1].isEmpty() ? target + " in " + innermost[1] : target;
  }
}
