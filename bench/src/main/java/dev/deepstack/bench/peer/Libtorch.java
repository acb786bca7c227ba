package dev.deepstack.bench.peer;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/// What the libtorch peers share: loading the TorchScript file, its weights by name, tensors from and to
/// arrays.
public final class Libtorch {

  private Libtorch() {}

  public static JitModule load(Graph graph, int threads) {
    torch.set_num_threads(threads);
    JitModule module = torch.load(graph.file("ts").toString());
    module.eval();
    return module;
  }

  /// Parameters and buffers by their PyTorch names, such as `0.q.weight`.
  public static Map<String, Tensor> weights(JitModule module) {
    Map<String, Tensor> weights = new HashMap<>();
    var parameters = module.named_parameters();
    for (var i = parameters.begin(); i.notEquals(parameters.end()); i.increment()) {
      weights.put(i.access().name().getString(), new Tensor(i.access().value()));
    }
    var buffers = module.named_buffers();
    for (var i = buffers.begin(); i.notEquals(buffers.end()); i.increment()) {
      weights.put(i.access().name().getString(), new Tensor(i.access().value()));
    }
    return weights;
  }

  public static Tensor weight(Map<String, Tensor> weights, String name) {
    return Objects.requireNonNull(weights.get(name), () -> "the TorchScript file has no weight " + name);
  }

  /// A tensor of its own, holding the graph's input.
  public static Tensor input(Graph graph) {
    HostTensor input = graph.input();
    boolean isInteger = input.dtype() == DType.I64;
    Tensor tensor = torch.empty(input.shape()).to(isInteger ? torch.ScalarType.Long : torch.ScalarType.Float);
    MemorySegment.ofAddress(tensor.data_ptr().address()).reinterpret(input.data().byteSize()).copyFrom(input.data());
    return tensor;
  }

  public static float[] values(Tensor tensor) {
    Tensor plain = tensor.contiguous();
    float[] values = new float[Math.toIntExact(plain.numel())];
    FloatPointer data = plain.data_ptr_float();
    data.get(values);
    return values;
  }
}
