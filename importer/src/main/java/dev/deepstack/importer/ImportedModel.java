package dev.deepstack.importer;

import dev.deepstack.ir.Graph;
import dev.deepstack.tensor.StridedTensor;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// A program as a graph, with the tensors that the graph names.
///
/// @param weights tensors of the graph's weights; names that tie one tensor appear once
/// @param states values of the graph's states before the first call
/// @param names every name the file knows for a weight or state, to the name that the graph uses
/// @param inputs what a call takes, in the order of Python's flattened arguments
/// @param outputs what a call gives, in the order of Python's flattened result
public record ImportedModel(
    Graph graph,
    SequencedMap<String, StridedTensor> weights,
    SequencedMap<String, StridedTensor> states,
    SequencedMap<String, String> names,
    List<Entry> inputs,
    List<Entry> outputs) {
  /// An argument or a part of the result.
  public sealed interface Entry {
    String name();
  }

  /// A tensor: an input or a result of the graph.
  public record TensorEntry(String name) implements Entry {}

  /// A size: an i64 scalar result of the graph, an integer for the caller.
  public record IntegerEntry(String name) implements Entry {}

  /// A Python literal fixed at export: a number, text or `None` (null). The graph does not mention it.
  public record FixedEntry(String name, @Nullable Object value) implements Entry {}

  public ImportedModel {
    weights = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(weights));
    states = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(states));
    names = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(names));
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
  }
}
