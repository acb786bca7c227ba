package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.Argument.CustomObjArg;
import dev.deepstack.importer.pt2.Argument.GraphArg;
import dev.deepstack.importer.pt2.Argument.MapArg;
import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.importer.pt2.Signature.OutputSpec;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/// Checks that a program holds together: every value is defined before it is read and only once, every tensor
/// is described, and the signature fits the graph.
final class ProgramCheck {
  private final Place place;

  ProgramCheck(Place place) {
    this.place = place;
  }

  void check(ExportedProgram program) {
    check(program.graph());
    var signature = program.signature();
    if (signature.inputs().size() != program.graph().inputs().size()
        || signature.outputs().size() != program.graph().outputs().size()) {
      throw place.malformed("the signature has " + signature.inputs().size() + " inputs and "
          + signature.outputs().size() + " outputs, the graph " + program.graph().inputs().size() + " and "
          + program.graph().outputs().size());
    }
    for (int i = 0; i < signature.inputs().size(); i++) {
      match(names(signature.inputs().get(i)), program.graph().inputs().get(i));
    }
    for (int i = 0; i < signature.outputs().size(); i++) {
      match(names(signature.outputs().get(i)), program.graph().outputs().get(i));
    }
  }

  private void match(List<String> spec, Argument argument) {
    if (!spec.equals(argument.valueNames())) {
      throw place.malformed("the signature says " + Place.quote(spec.toString()) + " where the graph has "
          + Place.quote(argument.valueNames().toString()));
    }
  }

  private static List<String> names(InputSpec spec) {
    return switch (spec) {
      case InputSpec.Parameter(var value, _) -> List.of(value);
      case InputSpec.Buffer(var value, _, _) -> List.of(value);
      case InputSpec.TensorConstant(var value, _) -> List.of(value);
      case InputSpec.CustomObj(var value, _) -> List.of(value);
      case InputSpec.Token(var value) -> List.of(value);
      case InputSpec.ConstantInput(_, var value) -> value.valueNames();
      case InputSpec.UserInput(var argument) -> argument.valueNames();
    };
  }

  private static List<String> names(OutputSpec spec) {
    return switch (spec) {
      case OutputSpec.BufferMutation(var value, _) -> List.of(value);
      case OutputSpec.ParameterMutation(var value, _) -> List.of(value);
      case OutputSpec.UserInputMutation(var value, _) -> List.of(value);
      case OutputSpec.UserOutput(var argument) -> argument.valueNames();
      case OutputSpec.Loss(var value) -> List.of(value);
      case OutputSpec.GradientToParameter(var value, _) -> List.of(value);
      case OutputSpec.GradientToUserInput(var value, _) -> List.of(value);
      case OutputSpec.Token(var value) -> List.of(value);
    };
  }

  private void check(GraphModel graph) {
    var known = new HashSet<String>();
    for (var input : graph.inputs()) {
      define(graph, known, input);
    }
    for (var node : graph.nodes()) {
      for (var input : node.inputs()) {
        read(known, input.arg(), node.target());
      }
      for (var output : node.outputs()) {
        define(graph, known, output);
      }
    }
    for (var output : graph.outputs()) {
      read(known, output, "the output");
    }
  }

  private void define(GraphModel graph, Set<String> known, Argument argument) {
    for (var name : argument.valueNames()) {
      if (!known.add(name)) {
        throw place.malformed("the value " + Place.quote(name) + " is defined twice");
      }
    }
    var described = switch (argument) {
      case Argument.TensorArg _, Argument.TensorsArg _, Argument.OptionalTensorsArg _ ->
          graph.tensorValues().keySet();
      case Argument.SymIntArg _ -> graph.symIntValues().keySet();
      default -> known;
    };
    for (var name : argument.valueNames()) {
      if (!described.contains(name)) {
        throw place.malformed("nothing describes the value " + Place.quote(name));
      }
    }
  }

  private void read(Set<String> known, Argument argument, String reader) {
    switch (argument) {
      case GraphArg(_, var graph) -> check(graph);
      case MapArg(var entries) -> entries.sequencedValues().forEach(entry -> read(known, entry, reader));
      // A script object may also be a stored constant.
      case CustomObjArg _ -> {}
      default -> {
        for (var name : argument.valueNames()) {
          if (!known.contains(name)) {
            throw place.malformed("the value " + Place.quote(name) + " is read by " + Place.quote(reader)
                + " but never defined before");
          }
        }
      }
    }
  }
}
