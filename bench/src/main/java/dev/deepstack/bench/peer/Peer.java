package dev.deepstack.bench.peer;

/// An engine holding one [Graph], ready to run it on the graph's input.
public interface Peer extends AutoCloseable {

  /// One forward pass as a user of the engine writes it, the result left where the engine puts it.
  void forward() throws Exception;

  /// The result of one forward pass, copied out.
  float[] output() throws Exception;

  @Override
  void close();

  /// How an engine loads a graph.
  @FunctionalInterface
  interface Opener {
    Peer open(Graph graph) throws Exception;
  }
}
