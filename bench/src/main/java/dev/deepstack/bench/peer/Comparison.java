package dev.deepstack.bench.peer;

import java.util.ArrayList;
import java.util.List;
import java.util.SequencedMap;

/// Engines with one graph: each one's result is compared with PyTorch's, then they are timed in turns.
public final class Comparison implements AutoCloseable {
  private final List<Peer> peers = new ArrayList<>();
  private final double[] errors;

  /// @param openers the engines by name
  /// @param errorMax how far a result may be from PyTorch's
  public Comparison(Graph graph, SequencedMap<String, Peer.Opener> openers, double errorMax) throws Exception {
    errors = new double[openers.size()];
    try {
      for (var opener : openers.entrySet()) {
        Peer peer = opener.getValue().open(graph);
        peers.add(peer);
        double error = graph.error(peer.output());
        if (!(error <= errorMax)) {
          throw new IllegalStateException(
              "%s computes %s wrongly: off by %g".formatted(opener.getKey(), graph.name(), error));
        }
        errors[peers.size() - 1] = error;
      }
    } catch (Exception e) {
      close();
      throw e;
    }
  }

  /// The largest distance of each engine's result from PyTorch's.
  public double[] errors() {
    return errors.clone();
  }

  /// The median time of one forward pass of each engine, in microseconds.
  public double[] medianMicros(Stopwatch watch) throws Exception {
    return watch.medianMicros(peers);
  }

  @Override
  public void close() {
    peers.forEach(Peer::close);
  }
}
