package dev.deepstack.bench.peer;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.runtime.Binding;
import java.util.Map;

/// DeepStack by its Java API, called as where every microsecond counts: inputs are written in place, the
/// result is read where the program left it.
public final class DeepStackPeer implements Peer {
  private final Model model;
  private final Binding binding;

  public DeepStackPeer(Graph graph, int threads) {
    model = Model.load(graph.file("pt2"), LoadOptions.standard().withThreads(threads));
    binding = model.executable().bind(Map.of(model.inputs().getFirst().name(), graph.input()));
    binding.input(0).data().copyFrom(graph.input().data());
  }

  @Override
  public void forward() {
    binding.step();
  }

  @Override
  public float[] output() {
    binding.step();
    return binding.result(0).toFloats();
  }

  @Override
  public void close() {
    model.close();
  }
}
