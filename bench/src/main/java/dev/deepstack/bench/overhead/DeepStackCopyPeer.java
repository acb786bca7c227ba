package dev.deepstack.bench.overhead;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.bench.peer.Graph;
import dev.deepstack.bench.peer.Peer;
import dev.deepstack.tensor.HostTensor;

/// DeepStack by the call of the README: checked inputs, results copied for the caller.
final class DeepStackCopyPeer implements Peer {
  private final Model model;
  private final HostTensor row;

  DeepStackCopyPeer(Graph graph, int threads) {
    model = Model.load(graph.file("pt2"), LoadOptions.standard().withThreads(threads));
    row = graph.input();
  }

  @Override
  public void forward() {
    model.run(row);
  }

  @Override
  public float[] output() {
    return model.run(row).firstEntry().getValue().toFloats();
  }

  @Override
  public void close() {
    model.close();
  }
}
