package dev.deepstack.bench.peer;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.IValue;
import org.bytedeco.pytorch.IValueVector;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.JitModule;
import org.bytedeco.pytorch.global.torch;

/// libtorch interpreting the TorchScript graph, as saved or frozen (weights folded in as constants).
public final class TorchScriptPeer implements Peer {

  private final JitModule module;
  private final IValueVector inputs;
  private final InferenceMode mode = new InferenceMode(); // holds for this thread until closed

  public TorchScriptPeer(Graph graph, int threads, boolean frozen) {
    JitModule loaded = Libtorch.load(graph, threads);
    module = frozen ? torch.freeze(loaded) : loaded;
    inputs = new IValueVector(new IValue(Libtorch.input(graph)));
  }

  @Override
  @SuppressWarnings("try") // entered so that what the pass allocates is freed at its end
  public void forward() {
    try (var pass = new PointerScope()) {
      module.forward(inputs);
    }
  }

  @Override
  @SuppressWarnings("try")
  public float[] output() {
    try (var pass = new PointerScope()) {
      return Libtorch.values(module.forward(inputs).toTensor());
    }
  }

  @Override
  public void close() {
    mode.close();
    inputs.close();
    module.close();
  }
}
