package dev.deepstack.bench.overhead;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.runtime.Binding;
import dev.deepstack.tensor.HostTensor;
import java.util.Map;

/// DeepStack by its Java API, called as where every microsecond counts: inputs are written in place, the
/// result is read where the program left it.
final class DeepStackPeer implements Peer {
  private final Model model;
  private final Binding binding;

  DeepStackPeer(Graph graph, int threads) {
    model = Model.load(graph.file("pt2"), LoadOptions.standard().withThreads(threads));
    HostTensor row = HostTensor.of(graph.row(), graph.shape());
    binding = model.executable().bind(Map.of(model.inputs().getFirst().name(), row));
    binding.input(0).data().copyFrom(row.data());
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
