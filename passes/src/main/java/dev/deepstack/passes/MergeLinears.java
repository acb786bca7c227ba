package dev.deepstack.passes;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Linear layers that read the same rows become one whose weight is theirs stacked, and slices of its result:
/// one pass over the rows, one loop over the weights. Only weights nobody else reads, which a target can lay
/// out as it likes.
final class MergeLinears {
  private MergeLinears() {}

  /// Layers that may share: same input, same storage, with or without bias.
  private record Key(Value x, DType stored, @Nullable Object form, @Nullable DType bias) {}

  /// The size of tiles that have a scale each.
  private record Tiles(int rows, int columns) {}

  static Graph run(Graph from) {
    Map<Value, List<Value>> groups = groups(from);
    var to = new Graph();
    from.symbols().forEach(to::symbol);
    var images = new HashMap<Value, Value>();
    for (Value v : from.values()) {
      if (images.containsKey(v)) {
        continue;
      }
      List<Value> group = groups.get(v);
      if (group == null) {
        images.put(v, to.add(OpSchema.map(v.op(), o -> image(images, o))));
      } else {
        merge(group, images, to);
      }
    }
    for (Graph.Output output : from.outputs()) {
      to.output(output.with(image(images, output.value())));
    }
    return Rewriter.rewrite(to, List.of());
  }

  private static Value image(Map<Value, Value> images, Value v) {
    return java.util.Objects.requireNonNull(images.get(v), "operands come first");
  }

  /// The layers to merge, in order, by each of them.
  private static Map<Value, List<Value>> groups(Graph graph) {
    Map<Value, Integer> uses = Rewriter.uses(graph, Rewriter.live(graph));
    var byKey = new LinkedHashMap<Key, List<Value>>();
    for (Value v : graph.values()) {
      if (v.op() instanceof Op.Linear(var x, var w, var bias)
          && isOwn(w, uses) && (bias == null || isOwn(bias, uses))) {
        var key = new Key(x, stored(w).type().dtype(), form(w),
            bias == null ? null : bias.type().dtype());
        byKey.computeIfAbsent(key, _ -> new ArrayList<>()).add(v);
      }
    }
    var groups = new HashMap<Value, List<Value>>();
    for (List<Value> group : byKey.values()) {
      if (group.size() > 1) {
        group.forEach(v -> groups.put(v, group));
      }
    }
    return groups;
  }

  private static boolean isOwn(Value w, Map<Value, Integer> uses) {
    Value stored = stored(w);
    boolean whole = !(w.op() instanceof Op.ScaleTiles s)
        || s.scales().op() instanceof Op.Weight && w.type().dim(0).constant() % s.rows() == 0;
    return whole && stored.op() instanceof Op.Weight && uses.getOrDefault(stored, 0) == 1
        && uses.getOrDefault(w, 0) == 1;
  }

  private static Value stored(Value w) {
    return switch (w.op()) {
      case Op.Dequantize(var x, var _) -> x;
      case Op.ScaleTiles(var x, var _, int _, int _) -> x;
      default -> w;
    };
  }

  private static @Nullable Object form(Value w) {
    return switch (w.op()) {
      case Op.Dequantize(var _, var format) -> format;
      case Op.ScaleTiles(var _, var _, int rows, int columns) -> new Tiles(rows, columns);
      default -> null;
    };
  }

  /// Weights one below the other; of scaled tiles the codes and the scales.
  private static Value stacked(List<Value> weights, Graph to) {
    if (!(weights.getFirst().op() instanceof Op.ScaleTiles first)) {
      return to.add(new Op.Concat(weights, 0));
    }
    var codes = new ArrayList<Value>();
    var scales = new ArrayList<Value>();
    for (Value w : weights) {
      if (w.op() instanceof Op.ScaleTiles s) {
        codes.add(s.x());
        scales.add(s.scales());
      }
    }
    return to.add(new Op.ScaleTiles(to.add(new Op.Concat(codes, 0)), to.add(new Op.Concat(scales, 0)), first.rows(),
        first.columns()));
  }

  private static void merge(List<Value> group, Map<Value, Value> images, Graph to) {
    var weights = new ArrayList<Value>();
    var biases = new ArrayList<Value>();
    for (Value v : group) {
      if (v.op() instanceof Op.Linear(var _, var w, var bias)) {
        weights.add(to.add(OpSchema.map(w.op(), o -> to.add(o.op()))));
        if (bias != null) {
          biases.add(to.add(bias.op()));
        }
      }
    }
    Value stacked = stacked(weights, to);
    Value bias = biases.isEmpty() ? null : to.add(new Op.Concat(biases, 0));
    Value x = image(images, OpSchema.operands(group.getFirst().op()).getFirst());
    Value all = to.add(new Op.Linear(x, stacked, bias));
    Dim at = Dim.ZERO;
    for (Value v : group) {
      Dim size = v.type().dim(-1);
      images.put(v, to.add(new Op.Slice(all, all.type().rank() - 1, at, size, 1)));
      at = at.plus(size);
    }
  }
}
