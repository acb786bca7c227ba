package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.Dim;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// A graph as the file holds it: nodes in order of execution, values by name.
///
/// Each value a node reads is a graph input or the output of an earlier node. `symIntValues` gives each
/// symbolic integer in terms of the symbols; floats and booleans keep the file's text because their nodes
/// compute them.
public record GraphModel(
    List<Argument> inputs,
    List<Argument> outputs,
    List<Node> nodes,
    SequencedMap<String, TensorMeta> tensorValues,
    SequencedMap<String, Dim> symIntValues,
    SequencedMap<String, String> symFloatValues,
    SequencedMap<String, String> symBoolValues,
    boolean singleTensorReturn) {
  public GraphModel {
    inputs = List.copyOf(inputs);
    outputs = List.copyOf(outputs);
    nodes = List.copyOf(nodes);
    tensorValues = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(tensorValues));
    symIntValues = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(symIntValues));
    symFloatValues = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(symFloatValues));
    symBoolValues = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(symBoolValues));
  }
}
