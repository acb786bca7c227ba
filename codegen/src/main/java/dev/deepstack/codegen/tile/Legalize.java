package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// Rewrites a graph into what kernels exist for: composites without a kernel of their own become the ops they are
/// defined by, and a bias becomes an addition that fuses like any other.
final class Legalize {
  private Legalize() {}

  static Graph run(Graph graph) {
    Graph legal = graph;
    while (true) {
      Set<Op> misused = misused(legal);
      if (legal.values().stream().allMatch(v -> isLegal(v.op()) && !misused.contains(v.op()))) {
        return legal;
      }
      legal = once(legal, misused);
    }
  }

  /// Rows of codes that something else than a linear layer with block weights reads, and scaled tiles that something
  /// else than a linear layer reads as its weight: those are numbers like others.
  private static Set<Op> misused(Graph graph) {
    var misused = new HashSet<Op>();
    for (Value v : graph.values()) {
      for (Value x : OpSchema.operands(v.op())) {
        if (x.op() instanceof Op.Int8Blocks && !isBlockProduct(v.op(), x)) {
          misused.add(x.op());
        }
        // What takes the tiles as a composite will say so when it is expanded.
        if (x.op() instanceof Op.ScaleTiles && isLegal(v.op()) && !isWeight(v.op(), x)) {
          misused.add(x.op());
        }
      }
    }
    graph.outputs().stream().map(o -> o.value().op())
        .filter(op -> op instanceof Op.Int8Blocks || op instanceof Op.ScaleTiles).forEach(misused::add);
    return misused;
  }

  private static boolean isWeight(Op op, Value w) {
    return switch (op) {
      case Op.Linear l -> l.w().equals(w) && !l.x().equals(w);
      case Op.RoutedLinear r -> r.w().equals(w) && !r.x().equals(w);
      default -> false;
    };
  }

  private static boolean isBlockProduct(Op op, Value x) {
    return switch (op) {
      case Op.Linear l -> l.x().equals(x) && isPacked(l.x(), l.w());
      case Op.RoutedLinear r -> r.x().equals(x) && isPacked(r.x(), r.w());
      default -> false;
    };
  }

  /// Whether kernels take this weight with these activations: plain numbers with f32, blocks with codes of their group.
  private static boolean isPacked(Value x, Value w) {
    if (!WeightFolding.isFoldable(w)) {
      return false;
    }
    return !(w.op() instanceof Op.Dequantize d)
        || x.op() instanceof Op.Int8Blocks q && q.group() == d.format().scaleGroup();
  }

  /// Whether code generation takes the op as it is.
  private static boolean isLegal(Op op) {
    return switch (op) {
      case Op.Primitive _ -> true;
      case Op.Linear l -> l.bias() == null && isComputed(l.x()) && isPacked(l.x(), l.w());
      case Op.Convolution c ->
          isComputed(c.x()) && (c.groups() == 1 && WeightFolding.isFoldable(c) || WeightFolding.isDepthwise(c));
      case Op.RoutedLinear r -> isComputed(r.x()) && isPacked(r.x(), r.w());
      case Op.Int8Blocks _, Op.PagedAttention _, Op.ScaleTiles _ -> true;
      case Op.Attention a -> isComputed(a.q());
      case Op.Composite _ -> false;
    };
  }

  /// The kernels accumulate and take their operands in f32.
  private static boolean isComputed(Value x) {
    return x.type().dtype() == DType.F32;
  }

  private static boolean isNarrow(Value x) {
    return x.type().dtype() == DType.BF16 || x.type().dtype() == DType.F16;
  }

  private static @Nullable Value widen(Graph graph, @Nullable Value bias) {
    return bias == null ? null : graph.cast(bias, DType.F32);
  }

  private static Graph once(Graph old, Set<Op> misused) {
    var graph = new Graph();
    old.symbols().forEach(graph::symbol);
    Map<Value, Value> map = new HashMap<>();
    for (Value v : old.values()) {
      Op op = OpSchema.map(v.op(), x -> Objects.requireNonNull(map.get(x)));
      map.put(v, switch (op) {
        case Op.Linear l when isNarrow(l.x()) -> graph.cast(
            graph.add(new Op.Linear(graph.cast(l.x(), DType.F32), l.w(), widen(graph, l.bias()))), v.type().dtype());
        case Op.Convolution c when isNarrow(c.x()) -> graph.cast(graph.add(new Op.Convolution(
            graph.cast(c.x(), DType.F32), c.w(), c.strides(), c.dilations(), c.low(), c.high(), c.groups())),
            v.type().dtype());
        case Op.RoutedLinear r when isNarrow(r.x()) -> graph.cast(
            graph.add(new Op.RoutedLinear(graph.cast(r.x(), DType.F32), r.w(), r.ids())), v.type().dtype());
        case Op.Attention a when isNarrow(a.q()) -> graph.cast(graph.add(new Op.Attention(
            graph.cast(a.q(), DType.F32), graph.cast(a.k(), DType.F32), graph.cast(a.v(), DType.F32), a.mask(),
            a.scale(), a.causal())), v.type().dtype());
        case Op.Linear l when l.bias() != null && isLegal(new Op.Linear(l.x(), l.w(), null)) -> {
          Value y = graph.add(new Op.Linear(l.x(), l.w(), null));
          yield graph.add(new Op.Add(y, graph.cast(l.bias(), y.type().dtype())));
        }
        case Op.Composite c when !isLegal(c) || misused.contains(v.op()) -> c.expand(graph);
        default -> graph.add(op);
      });
    }
    for (Graph.Output o : old.outputs()) {
      graph.output(o.with(Objects.requireNonNull(map.get(o.value()))));
    }
    return graph;
  }
}
