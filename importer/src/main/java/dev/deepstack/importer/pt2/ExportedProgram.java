package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.DimRange;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// One exported program.
///
/// `ranges` holds the range of each plain symbol (`s27`; `u0` for sizes that depend on data). `inputNames`
/// has one name for each [Signature.InputSpec.UserInput] and [Signature.InputSpec.ConstantInput] in order,
/// `outputNames` one for each [Signature.OutputSpec.UserOutput]: the names a caller sees, as `cache.0.key`.
public record ExportedProgram(
    GraphModel graph,
    Signature signature,
    SequencedMap<String, DimRange> ranges,
    List<String> inputNames,
    List<String> outputNames,
    Dialect dialect,
    String torchVersion,
    int schemaMajor,
    int schemaMinor) {
  /// Which operators and effects to expect.
  public enum Dialect {
    /// As exported: composite operators, in-place operators on inputs and on views of them.
    TRAINING,
    /// Decomposed: functional core operators, effects listed in the signature.
    ATEN
  }

  public ExportedProgram {
    inputNames = List.copyOf(inputNames);
    outputNames = List.copyOf(outputNames);
    ranges = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(ranges));
  }
}
