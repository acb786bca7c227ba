package dev.deepstack.cli.verify;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/// A decoder on the interpreter, with all its weights as whole tensors: for small models.
public final class DecoderReference implements Engine {
  private final Graph graph;
  private final Map<String, HostTensor> weights = new HashMap<>();
  private final Map<String, HostTensor> empty = new LinkedHashMap<>();
  private Map<String, HostTensor> states;

  /// @param slots cache slots in all
  /// @param arena of weights that are no slices of mapped files
  public DecoderReference(ImportedDecoder decoder, DecoderGraph.Options options, long slots, Arena arena) {
    graph = decoder.graph(options);
    for (Op.Weight weight : graph.ops(Op.Weight.class)) {
      weights.put(weight.name(), decoder.whole(weight, arena));
    }
    for (Op.State state : graph.ops(Op.State.class)) {
      long[] shape = state.type().shape().evaluate(Map.of("S", slots));
      empty.put(state.name(), HostTensor.zeros(state.type().dtype(), shape));
    }
    states = empty;
  }

  @Override
  public Outputs step(Map<String, HostTensor> inputs) {
    var outcome = Interpreter.run(graph, inputs, states, name -> java.util.Objects.requireNonNull(weights.get(name)));
    states = outcome.states();
    return new Outputs(outcome.results(), states);
  }

  @Override
  public void reset() {
    states = empty;
  }
}
