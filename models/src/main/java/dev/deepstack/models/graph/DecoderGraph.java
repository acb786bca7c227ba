package dev.deepstack.models.graph;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.models.LayerSpec;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.LinkedHashMap;
import java.util.SequencedMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The graph of one step of a decoder: T tokens of B sequences at once, chunks of prompts and single tokens mixed.
///
/// Inputs are `tokens`, `positions`, `sequences` (the row of `pages` that each token belongs to) and `slots` (the cache
/// slot that receives its keys and values), all i64[T]; `pages` i64[B,N], the page numbers of each sequence in order of
/// position; `select` i64[R], the tokens whose logits are wanted. The result is `logits` f32[R,vocab].
///
/// States have S slots: `layers.i.k` and `layers.i.v` `[kvHeads,S,headDim]`, or `layers.i.latent` `[1,S,rank+ropeDim]`;
/// i8 states come with `….scale` f32 `[S,kvHeads]`. Arithmetic is f32 throughout.
public final class DecoderGraph {
  /// @param cache dtype of the caches: F32, BF16, F16 or I8
  /// @param pageSlots cache slots of a page
  public record Options(DType cache, int pageSlots) {
    public static final Options DEFAULT = new Options(DType.F32, 32);

    public Options {
      if (cache != DType.F32 && cache != DType.BF16 && cache != DType.F16 && cache != DType.I8) {
        throw new IllegalArgumentException("no caches of " + cache);
      }
    }
  }

  private DecoderGraph() {}

  /// The graph, with each weight stored as `forms` says.
  ///
  /// @throws dev.deepstack.tensor.UnsupportedModelException when the spec has what the builder lacks
  public static Graph build(DecoderSpec spec, Function<DecoderWeight, StoredForm> forms, Options options) {
    spec.requireBuildable();
    var g = new Graph();
    for (String symbol : new String[] {"T", "B", "N", "R", "S"}) {
      g.symbol(symbol, new DimRange(1, Integer.MAX_VALUE));
    }
    var step = Step.inputs(g, options);
    var weights = new StoredWeights(g, spec, forms);
    var rotations = new Rotations(g, spec, step.positions());
    var attention = new AttentionGraph(g, spec, weights, rotations, step);
    var feedForward = new FeedForwardGraph(g, weights);
    DecoderSpec.Scales scales = spec.scales();
    Value x = scaled(g, weights.rows(DecoderWeights.EMBEDDING, step.tokens()), scales.embedding());
    for (int i = 0; i < spec.layers().size(); i++) {
      LayerSpec layer = spec.layers().get(i);
      String prefix = DecoderWeights.prefix(i);
      LayerSpec.Norms norms = layer.norms();
      Value y = attention.layer(i, layer.attention(), norm(g, weights, x, prefix, norms.beforeAttention(), spec.eps()));
      y = norm(g, weights, y, prefix, norms.afterAttention(), spec.eps());
      x = g.add(new Op.Add(x, scaled(g, y, scales.residual())));
      y = norm(g, weights, x, prefix, norms.beforeFeedForward(), spec.eps());
      y = feedForward.layer(prefix + "mlp.", layer.feedForward(), y);
      y = norm(g, weights, y, prefix, norms.afterFeedForward(), spec.eps());
      x = g.add(new Op.Add(x, scaled(g, y, scales.residual())));
    }
    Value wanted = g.add(new Op.Gather(x, step.select(), 0));
    wanted = norm(g, weights, wanted, DecoderWeights.LAST_NORM, spec.eps());
    String head = spec.tiedHead() ? DecoderWeights.EMBEDDING : DecoderWeights.HEAD;
    Value logits = scaled(g, g.add(new Op.Linear(wanted, weights.matrix(head), null)), scales.logits());
    if (scales.logitCap() > 0) {
      logits = scaled(g, g.add(new Op.Tanh(scaled(g, logits, 1 / scales.logitCap()))), scales.logitCap());
    }
    g.result("logits", logits);
    return g;
  }

  private static Value scaled(Graph g, Value x, double factor) {
    return factor == 1 ? x : g.add(new Op.Mul(x, g.constant(factor, x)));
  }

  /// x itself where there is no such norm.
  private static Value norm(
      Graph g, StoredWeights weights, Value x, String prefix, @Nullable String name, double eps) {
    return name == null ? x : norm(g, weights, x, prefix + name + ".weight", eps);
  }

  static Value norm(Graph g, StoredWeights weights, Value x, String name, double eps) {
    return g.add(new Op.RmsNorm(x, weights.gain(name), eps));
  }

  /// The graph's weights that no checkpoint holds and that follow from the spec alone: rotary frequencies.
  public static SequencedMap<String, HostTensor> constants(DecoderSpec spec) {
    var constants = new LinkedHashMap<String, HostTensor>();
    for (var rope : Rotations.distinct(spec)) {
      float[] frequencies = rope.inverseFrequencies();
      constants.put(Rotations.name(spec, rope), HostTensor.of(frequencies, frequencies.length));
    }
    return constants;
  }

  /// Whether a weight's name is one of [#constants].
  public static boolean isConstant(String name) {
    return name.startsWith(Rotations.PREFIX);
  }

  /// What every layer sees of a step.
  record Step(Value tokens, Value positions, Value sequences, Value slots, Value pages, Value select,
      Options options) {
    static Step inputs(Graph g, Options options) {
      Dim t = Dim.symbol("T");
      return new Step(input(g, "tokens", t), input(g, "positions", t), input(g, "sequences", t), input(g, "slots", t),
          input(g, "pages", Dim.symbol("B"), Dim.symbol("N")), input(g, "select", Dim.symbol("R")), options);
    }

    private static Value input(Graph g, String name, Dim... dims) {
      return g.input(name, new TensorType(DType.I64, Shape.of(dims)));
    }
  }
}
