package dev.deepstack.importer.pt2;

import dev.deepstack.importer.pt2.Signature.InputSpec;
import dev.deepstack.importer.pt2.Signature.OutputSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// How Python calls the program, as far as names go.
record CallingConvention(@Nullable TreeSpec inputs, @Nullable TreeSpec outputs, List<String> parameters) {
  static final CallingConvention UNKNOWN = new CallingConvention(null, null, List.of());

  /// A name for each input the caller gives or may repeat: the parameter or keyword, with the path inside it
  /// (`cache.0.key`). Where the file does not say, the name of the value in the graph.
  List<String> inputNames(Signature signature) {
    var fallback = new ArrayList<String>();
    for (var spec : signature.inputs()) {
      switch (spec) {
        case InputSpec.UserInput(var argument) -> fallback.add(nameOf(argument, "input_" + fallback.size()));
        case InputSpec.ConstantInput(var name, _) -> fallback.add(name);
        case InputSpec.Parameter _, InputSpec.Buffer _, InputSpec.TensorConstant _, InputSpec.CustomObj _,
            InputSpec.Token _ -> {}
      }
    }
    if (inputs == null || inputs.children().size() != 2) {
      return fallback;
    }
    var names = new ArrayList<>(inputs.children().getFirst().leafPaths("", parameters));
    names.addAll(inputs.children().getLast().leafPaths("", List.of()));
    return usable(names, fallback);
  }

  /// A name for each result: `logits` or `cache.0` for dicts, `output_0` for tuples, `output` for a single
  /// one.
  List<String> outputNames(Signature signature) {
    var fallback = new ArrayList<String>();
    for (var spec : signature.outputs()) {
      if (spec instanceof OutputSpec.UserOutput) {
        fallback.add("output_" + fallback.size());
      }
    }
    if (outputs == null) {
      return fallback;
    }
    if (outputs.isLeaf()) {
      return usable(List.of("output"), fallback);
    }
    var positions = new ArrayList<String>();
    for (int i = 0; i < outputs.children().size(); i++) {
      positions.add("output_" + i);
    }
    return usable(outputs.leafPaths("", positions), fallback);
  }

  private static List<String> usable(List<String> names, List<String> fallback) {
    return names.size() == fallback.size() && new HashSet<>(names).size() == names.size() ? names : fallback;
  }

  private static String nameOf(Argument argument, String otherwise) {
    var names = argument.valueNames();
    return names.isEmpty() ? otherwise : names.getFirst();
  }
}
