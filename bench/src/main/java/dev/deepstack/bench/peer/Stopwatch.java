package dev.deepstack.bench.peer;

import java.util.Arrays;
import java.util.List;

/// Times peers in turns, so that a change of the machine's clock or load meets all of them alike.
///
/// @param turns how often each peer gets its turn
/// @param batches measured batches of a turn, after one that is thrown away: it meets cold caches and, on two
///     cores, the spinning threads of the peer before
/// @param batchMicros how long a batch should take
/// @param restMillis before a turn: threads of the peer before spin for a while before they sleep
public record Stopwatch(int turns, int batches, double batchMicros, long restMillis) {

  /// The median time of one forward pass of each peer, in microseconds.
  public double[] medianMicros(List<Peer> peers) throws Exception {
    int[] passes = new int[peers.size()];
    for (int p = 0; p < passes.length; p++) {
      passes[p] = (int) Math.max(1, batchMicros / warmUp(peers.get(p)));
    }
    double[][] times = new double[passes.length][turns * batches];
    for (int turn = 0; turn < turns; turn++) {
      for (int p = 0; p < passes.length; p++) {
        Thread.sleep(restMillis);
        batch(peers.get(p), passes[p]);
        for (int b = 0; b < batches; b++) {
          times[p][turn * batches + b] = batch(peers.get(p), passes[p]);
        }
      }
    }
    return Arrays.stream(times).mapToDouble(Stopwatch::median).toArray();
  }

  /// Long enough for Java's compiler and for libtorch's profiling executor to settle. Returns how many microseconds
  /// a pass takes in the end.
  private double warmUp(Peer peer) throws Exception {
    double micros = batch(peer, 1);
    long end = System.nanoTime() + 1_000_000_000L;
    while (System.nanoTime() < end) {
      micros = batch(peer, (int) Math.clamp(20_000 / micros, 1, 20));
    }
    return micros;
  }

  private static double batch(Peer peer, int passes) throws Exception {
    long start = System.nanoTime();
    for (int i = 0; i < passes; i++) {
      peer.forward();
    }
    return (System.nanoTime() - start) / 1e3 / passes;
  }

  private static double median(double[] values) {
    Arrays.sort(values);
    int middle = values.length / 2;
    return values.length % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  }
}
