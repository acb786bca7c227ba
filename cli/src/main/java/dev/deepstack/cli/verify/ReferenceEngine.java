package dev.deepstack.cli.verify;

import dev.deepstack.importer.ImportedModel;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;

/// The interpreter as an engine: slow, and the definition of what is right.
public final class ReferenceEngine implements Engine {
  private final ImportedModel model;
  private final Map<String, HostTensor> weights = new HashMap<>();
  private final Map<String, HostTensor> stored = new LinkedHashMap<>();
  private Map<String, HostTensor> states;

  /// @param arena of weights that must be copied to be contiguous
  public ReferenceEngine(ImportedModel model, Arena arena) {
    this.model = model;
    model.weights().forEach((name, tensor) -> weights.put(name, tensor.contiguous(arena)));
    for (Map.Entry<String, StridedTensor> state : model.states().entrySet()) {
      stored.put(state.getKey(), state.getValue().contiguous(arena));
    }
    states = stored;
  }

  @Override
  public Outputs step(Map<String, HostTensor> inputs) {
    var outcome = Interpreter.run(model.graph(), inputs, states, this::weight);
    states = outcome.states();
    return new Outputs(outcome.results(), states);
  }

  private HostTensor weight(String name) {
    HostTensor weight = weights.get(name);
    if (weight == null) {
      throw new InvalidInputException("the model has no weight named \"" + name + "\"; import it again");
    }
    return weight;
  }

  @Override
  public void reset() {
    states = stored;
  }
}
