package dev.deepstack.models.graph;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.AttentionSpec.QkNorm;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The attention of a layer: projections, positions, the cache's new rows and the look at all rows so far.
final class AttentionGraph {
  /// A cache after this step's rows went in, and its scales when it holds codes.
  private record Cache(Value rows, @Nullable Value scales) {}

  private final Graph g;
  private final DecoderSpec spec;
  private final StoredWeights weights;
  private final Rotations rotations;
  private final DecoderGraph.Step step;
  private final Dim t;

  AttentionGraph(Graph g, DecoderSpec spec, StoredWeights weights, Rotations rotations, DecoderGraph.Step step) {
    this.g = g;
    this.spec = spec;
    this.weights = weights;
    this.rotations = rotations;
    this.step = step;
    t = step.tokens().type().dim(0);
  }

  /// x `[T,hidden]` to `[T,hidden]`.
  Value layer(int index, AttentionSpec attention, Value x) {
    String at = DecoderWeights.prefix(index) + "self_attn.";
    return switch (attention) {
      case AttentionSpec.Grouped a -> grouped(at, index, a, x);
      case AttentionSpec.Latent a -> latent(at, index, a, x);
    };
  }

  private Value grouped(String at, int index, AttentionSpec.Grouped a, Value x) {
    Value q = rotations.turn(a.rope(), heads(at, "q", a, a.heads(), x));
    Value k = rotations.turn(a.rope(), heads(at, "k", a, a.kvHeads(), x));
    Value v = split(clip(a, weights.linear(x, at + "v_proj")), a.kvHeads());
    Cache keys = store("layers." + index + ".k", k);
    Cache values = store("layers." + index + ".v", v);
    Value sinks = a.sinks() ? g.cast(weights.vector(at + "sinks"), DType.F32) : null;
    Value y = g.add(new Op.PagedAttention(q, keys.rows, values.rows, keys.scales, values.scales, step.positions(),
        step.sequences(), step.pages(), sinks, a.scale(), a.cap(), a.window(), step.options().pageSlots()));
    return weights.linear(merge(y), at + "o_proj");
  }

  /// Queries or keys `[T,heads,headDim]` before rotation.
  private Value heads(String at, String which, AttentionSpec.Grouped a, int heads, Value x) {
    Value y = weights.linear(x, at + which + "_proj");
    String norm = at + which + "_norm.weight";
    if (a.qkNorm() == QkNorm.FULL) {
      y = DecoderGraph.norm(g, weights, y, norm, spec.eps());
    }
    y = split(clip(a, y), heads);
    return a.qkNorm() == QkNorm.PER_HEAD ? DecoderGraph.norm(g, weights, y, norm, spec.eps()) : y;
  }

  private Value clip(AttentionSpec.Grouped a, Value x) {
    Double clip = a.clip();
    if (clip == null) {
      return x;
    }
    Value low = g.add(new Op.Max(x, g.constant(-clip, x)));
    return g.add(new Op.Min(low, g.constant(clip, x)));
  }

  /// Absorbed: queries become latents, attention looks at latents as they are cached, and what it gives becomes values.
  private Value latent(String at, int index, AttentionSpec.Latent a, Value x) {
    Value q = x;
    if (a.queryRank() > 0) {
      Value low = weights.linear(x, at + "q_a_proj");
      q = DecoderGraph.norm(g, weights, low, at + "q_a_layernorm.weight", a.latentEps());
    }
    q = split(weights.linear(q, at + (a.queryRank() > 0 ? "q_b_proj" : "q_proj")), a.heads());
    Value still = part(q, 2, 0, a.nopeDim());
    Value turned = rotations.turn(a.rope(), part(q, 2, a.nopeDim(), a.ropeDim()));
    Value query = g.add(new Op.Concat(List.of(perHead(still, at + "kv_b_proj.k", a.heads()), turned), 2));

    Value both = weights.linear(x, at + "kv_a_proj_with_mqa");
    Value norm = DecoderGraph.norm(g, weights, part(both, 1, 0, a.rank()), at + "kv_a_layernorm.weight",
        a.latentEps());
    Value key = rotations.turn(a.rope(), split(part(both, 1, a.rank(), a.ropeDim()), 1));
    Cache cache = store("layers." + index + ".latent", g.add(new Op.Concat(List.of(split(norm, 1), key), 2)));
    Value latents = part(cache.rows, 2, 0, a.rank());
    Value y = g.add(new Op.PagedAttention(query, cache.rows, latents, cache.scales, cache.scales, step.positions(),
        step.sequences(), step.pages(), null, a.scale(), 0, a.window(), step.options().pageSlots()));
    return weights.linear(merge(perHead(y, at + "kv_b_proj.v", a.heads())), at + "o_proj");
  }

  /// Each head's row `[T,heads,in]` times that head's matrix.
  private Value perHead(Value x, String name, int heads) {
    Value numbers = g.add(new Op.Iota(Dim.of(heads)));
    Value ids = g.add(new Op.Expand(numbers, Shape.of(t, Dim.of(heads))));
    return g.add(new Op.RoutedLinear(x, weights.matrix(name), ids));
  }

  private Value part(Value x, int axis, int start, int size) {
    return g.add(new Op.Slice(x, axis, Dim.of(start), Dim.of(size), 1));
  }

  private Value split(Value x, int heads) {
    return g.add(new Op.Reshape(x, Shape.of(t, Dim.of(heads), Dim.of(x.type().dim(1).constant() / heads))));
  }

  private Value merge(Value x) {
    return g.add(new Op.Reshape(x, Shape.of(t, x.type().dim(1).times(x.type().dim(2)))));
  }

  /// Writes this step's rows `[T,heads,width]` into a cache.
  private Cache store(String name, Value rows) {
    DType dtype = step.options().cache();
    Dim slots = Dim.symbol("S");
    Dim heads = rows.type().dim(1);
    // A head's slots lie one after another, so that attention streams through them.
    var type = new TensorType(dtype, Shape.of(heads, slots, rows.type().dim(2)));
    if (dtype != DType.I8) {
      return new Cache(bySlot(scatter(name, type, bySlot(g.cast(rows, dtype)), 1)), null);
    }
    Value largest = g.add(new Op.ReduceMax(g.add(new Op.Abs(rows)), List.of(2), true));
    Value scale = g.add(new Op.Div(largest, g.constant(127, largest)));
    Value none = g.add(new Op.Eq(largest, g.constant(0, largest)));
    Value divisor = g.add(new Op.Select(none, g.constant(1, scale), scale));
    Value codes = g.cast(g.add(new Op.Round(g.add(new Op.Div(rows, divisor)))), DType.I8);
    Value column = g.add(new Op.Reshape(scale, Shape.of(t, heads)));
    Value scales = scatter(name + ".scale", new TensorType(DType.F32, Shape.of(slots, heads)), column, 0);
    return new Cache(bySlot(scatter(name, type, bySlot(codes), 1)), scales);
  }

  /// Heads and slots or tokens the other way round.
  private Value bySlot(Value rows) {
    return g.add(new Op.Permute(rows, List.of(1, 0, 2)));
  }

  private Value scatter(String name, TensorType type, Value rows, int axis) {
    Value after = g.add(new Op.Scatter(g.state(name, type), step.slots(), rows, axis, Op.Combine.SET));
    g.update(name, after);
    return after;
  }
}
