package dev.deepstack.bench.overhead;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;

/// ONNX Runtime with all its optimisations. The input stays in a direct buffer and the output is pinned, so a
/// forward pass copies nothing and allocates no tensor: its best case.
final class OnnxRuntimePeer implements Peer {

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final OnnxTensor input;
  private final OnnxTensor output;
  private final FloatBuffer outputRow;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;

  OnnxRuntimePeer(Graph graph, int threads) throws OrtException {
    environment = OrtEnvironment.getEnvironment();
    try (var options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setOptimizationLevel(OptLevel.ALL_OPT);
      session = environment.createSession(graph.file("onnx").toString(), options);
    }
    FloatBuffer row = direct(graph.row().length);
    row.put(graph.row()).rewind();
    outputRow = direct(graph.expected().length);
    input = OnnxTensor.createTensor(environment, row, graph.shape());
    output = OnnxTensor.createTensor(environment, outputRow, graph.shape());
    inputs = Map.of(session.getInputNames().iterator().next(), input);
    outputs = Map.of(session.getOutputNames().iterator().next(), output);
  }

  private static FloatBuffer direct(int length) {
    return ByteBuffer.allocateDirect(4 * length).order(ByteOrder.nativeOrder()).asFloatBuffer();
  }

  @Override
  public void forward() throws OrtException {
    session.run(inputs, Set.of(), outputs).close();
  }

  @Override
  public float[] output() throws OrtException {
    forward();
    float[] values = new float[outputRow.capacity()];
    outputRow.get(0, values);
    return values;
  }

  @Override
  public void close() {
    input.close();
    output.close();
    try {
      session.close();
    } catch (OrtException e) {
      throw new IllegalStateException("ONNX Runtime did not close its session", e);
    }
  }
}
