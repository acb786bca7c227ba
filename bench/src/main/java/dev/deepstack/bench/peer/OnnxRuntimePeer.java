package dev.deepstack.bench.peer;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.OrtSession.SessionOptions.OptLevel;
import dev.deepstack.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.util.Map;
import java.util.Set;

/// ONNX Runtime with all its optimisations. The input stays in a direct buffer and the output is pinned, so a
/// forward pass copies nothing and allocates no tensor: its best case.
public final class OnnxRuntimePeer implements Peer {

  private final OrtEnvironment environment;
  private final OrtSession session;
  private final OnnxTensor input;
  private final OnnxTensor output;
  private final FloatBuffer outputRow;
  private final Map<String, OnnxTensor> inputs;
  private final Map<String, OnnxTensor> outputs;

  public OnnxRuntimePeer(Graph graph, int threads) throws OrtException {
    environment = OrtEnvironment.getEnvironment();
    try (var options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setOptimizationLevel(OptLevel.ALL_OPT);
      session = environment.createSession(graph.file("onnx").toString(), options);
    }
    ByteBuffer data = direct(graph.input().data().byteSize());
    MemorySegment.ofBuffer(data).copyFrom(graph.input().data());
    outputRow = direct(graph.expected().data().byteSize()).asFloatBuffer();
    var type = graph.input().dtype() == DType.I64 ? OnnxJavaType.INT64 : OnnxJavaType.FLOAT;
    input = OnnxTensor.createTensor(environment, data, graph.input().shape(), type);
    output = OnnxTensor.createTensor(environment, outputRow, graph.expected().shape());
    inputs = Map.of(session.getInputNames().iterator().next(), input);
    outputs = Map.of(session.getOutputNames().iterator().next(), output);
  }

  private static ByteBuffer direct(long bytes) {
    return ByteBuffer.allocateDirect(Math.toIntExact(bytes)).order(ByteOrder.nativeOrder());
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
