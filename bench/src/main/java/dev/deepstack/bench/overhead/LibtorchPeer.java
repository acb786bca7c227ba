package dev.deepstack.bench.overhead;

import dev.deepstack.bench.peer.Graph;
import dev.deepstack.bench.peer.Libtorch;
import dev.deepstack.bench.peer.Peer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.InferenceMode;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/// libtorch eager: the model written as calls on tensors, each of which libtorch dispatches and allocates
/// for. Autograd is off (inference mode) and tensors are freed at the end of the pass.
final class LibtorchPeer implements Peer {

  private static final int LINKS = 100;

  private final Tensor row;
  private final UnaryOperator<Tensor> model;
  private final InferenceMode mode = new InferenceMode(); // holds for this thread until closed

  LibtorchPeer(Graph graph, int threads) {
    Map<String, Tensor> weights = Libtorch.weights(Libtorch.load(graph, threads));
    row = Libtorch.input(graph);
    model = weights.isEmpty() ? new Chain() : new Transformer(weights);
  }

  @Override
  @SuppressWarnings("try") // entered so that what the pass allocates is freed at its end
  public void forward() {
    try (var pass = new PointerScope()) {
      var _ = model.apply(row);
    }
  }

  @Override
  @SuppressWarnings("try")
  public float[] output() {
    try (var pass = new PointerScope()) {
      return Libtorch.values(model.apply(row));
    }
  }

  @Override
  public void close() {
    mode.close();
    row.close();
  }

  private record Chain(Scalar factor, Scalar term) implements UnaryOperator<Tensor> {
    Chain() {
      this(new Scalar(0.999), new Scalar(0.001));
    }

    @Override
    public Tensor apply(Tensor x) {
      for (int i = 0; i < LINKS; i++) {
        x = x.mul(factor).add(term);
      }
      return x;
    }
  }

  private static final class Transformer implements UnaryOperator<Tensor> {
    private final List<Layer> layers = new ArrayList<>();

    Transformer(Map<String, Tensor> weights) {
      for (int i = 0; weights.containsKey(i + ".q.weight"); i++) {
        layers.add(new Layer(weights, i + "."));
      }
    }

    @Override
    public Tensor apply(Tensor x) {
      for (Layer layer : layers) {
        x = layer.apply(x);
      }
      return x;
    }
  }

  /// One decoder layer for one row: `x` is [1, hidden], cached keys and values are [heads, cached, width].
  private static final class Layer {
    private static final long[] LAST = {-1};

    private final Tensor n1;
    private final Tensor n2;
    private final Tensor q;
    private final Tensor k;
    private final Tensor v;
    private final Tensor o;
    private final Tensor gate;
    private final Tensor up;
    private final Tensor down;
    private final Tensor keys;
    private final Tensor values;
    private final Tensor cos;
    private final Tensor sin;
    private final long width;
    private final long[] byHead;
    private final long[] flat;
    private final Scalar two = new Scalar(2);
    private final Scalar epsilon = new Scalar(1e-5);
    private final Scalar scale;
    private final ScalarTypeOptional sameType = new ScalarTypeOptional();

    Layer(Map<String, Tensor> weights, String prefix) {
      n1 = Libtorch.weight(weights, prefix + "n1.weight");
      n2 = Libtorch.weight(weights, prefix + "n2.weight");
      q = Libtorch.weight(weights, prefix + "q.weight");
      k = Libtorch.weight(weights, prefix + "k.weight");
      v = Libtorch.weight(weights, prefix + "v.weight");
      o = Libtorch.weight(weights, prefix + "o.weight");
      gate = Libtorch.weight(weights, prefix + "g.weight");
      up = Libtorch.weight(weights, prefix + "u.weight");
      down = Libtorch.weight(weights, prefix + "d.weight");
      keys = Libtorch.weight(weights, prefix + "ck");
      values = Libtorch.weight(weights, prefix + "cv");
      cos = Libtorch.weight(weights, prefix + "cos");
      sin = Libtorch.weight(weights, prefix + "sin");
      width = keys.size(2);
      byHead = new long[] {-1, keys.size(0), width};
      flat = new long[] {-1, keys.size(0) * width};
      scale = new Scalar(1 / Math.sqrt(width));
    }

    Tensor apply(Tensor x) {
      Tensor h = norm(x, n1);
      Tensor query = rope(heads(h, q));
      Tensor key = torch.cat(new TensorVector(keys, rope(heads(h, k))), 1);
      Tensor value = torch.cat(new TensorVector(values, heads(h, v)), 1);
      Tensor weight = query.matmul(key.transpose(1, 2)).mul(scale).softmax(-1);
      Tensor mixed = weight.matmul(value).transpose(0, 1).reshape(flat);
      x = x.add(torch.linear(mixed, o));
      h = norm(x, n2);
      return x.add(torch.linear(torch.silu(torch.linear(h, gate)).mul(torch.linear(h, up)), down));
    }

    private Tensor norm(Tensor x, Tensor weight) {
      return x.mul(x.pow(two).mean(LAST, true, sameType).add(epsilon).rsqrt()).mul(weight);
    }

    private Tensor heads(Tensor h, Tensor weight) {
      return torch.linear(h, weight).view(byHead).transpose(0, 1);
    }

    private Tensor rope(Tensor x) {
      long half = width / 2;
      Tensor turned = torch.cat(new TensorVector(x.narrow(-1, half, half).neg(), x.narrow(-1, 0, half)), -1);
      return x.mul(cos).add(turned.mul(sin));
    }
  }
}
