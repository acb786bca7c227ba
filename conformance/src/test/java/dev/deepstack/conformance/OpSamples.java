package dev.deepstack.conformance;

import dev.deepstack.ir.Graph;
import dev.deepstack.tensor.HostTensor;
import java.util.Map;
import java.util.stream.Stream;

/// The one table of samples: small graphs with tensors to run them on, for every op of the opset. Whatever runs graphs
/// is tested by it against the interpreter.
public final class OpSamples {
  /// One graph and what to run it on.
  ///
  /// @param name `op/what is special`, unique
  /// @param inputs by name, exactly those of the graph
  /// @param weights by name, at least those of the graph
  /// @param atol with rtol the difference to the interpreter that a correct target may have
  public record Sample(String name, Graph graph, Map<String, HostTensor> inputs, Map<String, HostTensor> weights,
      double atol, double rtol) {
    @Override
    public String toString() {
      return name;
    }
  }

  private OpSamples() {}

  /// All samples, in the order of the opset; the same each time.
  public static Stream<Sample> all() {
    return Stream.of(
            SourceSamples.all(), UnarySamples.all(), BinarySamples.all(), CastSamples.all(), MovementSamples.all(),
            FoldSamples.all(), IndexSamples.all(), ContractionSamples.all(), NormSamples.all(), BlockSamples.all(),
            StoredSamples.all(), WindowSamples.all(), ControlSamples.all())
        .flatMap(s -> s);
  }
}
