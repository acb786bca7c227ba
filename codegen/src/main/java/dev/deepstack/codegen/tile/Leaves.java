package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Value;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/// Which memory a kernel touches.
public final class Leaves {
  private final Map<Value, Operand> memory;
  private final Set<Integer> buffers = new LinkedHashSet<>();
  private final Set<Value> seen = new HashSet<>();

  private Leaves(Map<Value, Operand> memory) {
    this.memory = memory;
  }

  /// The buffers a kernel reads, in a fixed order.
  public static List<Integer> reads(Kernel kernel, Map<Value, Operand> memory) {
    var leaves = new Leaves(memory);
    switch (kernel) {
      case Kernel.Loops(var nests) -> {
        for (Kernel.Nest n : nests) {
          if (n.isComputed(memory)) {
            leaves.compute(n.root());
          } else {
            leaves.visit(n.root());
          }
        }
      }
      case Kernel.Linear l -> {
        leaves.operands(l.x());
        leaves.buffers.add(l.weight());
        leaves.scales(l.scales());
        leaves.seen.add(l.product());
        leaves.compute(l.root());
      }
      case Kernel.Convolution c -> {
        leaves.operands(c.x());
        leaves.buffers.add(c.weight());
        leaves.seen.add(c.product());
        leaves.compute(c.root());
      }
      case Kernel.WinogradConvolution c -> {
        leaves.operands(c.x());
        leaves.buffers.add(c.weight());
        leaves.seen.add(c.product());
        leaves.compute(c.root());
      }
      case Kernel.DepthwiseConvolution c -> {
        leaves.operands(c.x());
        leaves.buffers.add(c.weight());
        leaves.seen.add(c.product());
        leaves.compute(c.root());
      }
      case Kernel.RoutedLinear r -> {
        leaves.operands(r.x(), r.ids());
        leaves.buffers.add(r.weight());
        leaves.scales(r.scales());
      }
      case Kernel.Attention a -> {
        leaves.operands(a.q(), a.k(), a.v());
        if (a.mask() != null) {
          leaves.operands(a.mask());
        }
      }
      case Kernel.Quantize q -> leaves.operands(q.x());
      case Kernel.Dequantize d -> leaves.operands(d.x());
      case Kernel.PagedAttention p -> leaves.operands(p.operands().toArray(Operand[]::new));
      case Kernel.GroupedMatMul g -> leaves.operands(g.x(), g.w(), g.offsets());
      case Kernel.TopK t -> leaves.operands(t.x());
      case Kernel.ArgSort a -> leaves.operands(a.x());
      case Kernel.ArgMax a -> leaves.operands(a.x());
      case Kernel.CumSum c -> leaves.operands(c.x());
      case Kernel.Scatter s -> {
        leaves.operands(s.indices());
        leaves.visit(s.source());
        // Elements that no index names stay, so the target is read as much as written.
        leaves.operands(s.out());
      }
    }
    return List.copyOf(leaves.buffers);
  }

  /// The buffers a kernel writes.
  public static List<Integer> writes(Kernel kernel) {
    var outputs = kernel.outputs().stream().map(Operand::buffer);
    Stream<Integer> scratch = switch (kernel) {
      case Kernel.Attention a -> Stream.of(a.scratch());
      case Kernel.RoutedLinear r -> Stream.of(r.scratch());
      case Kernel.WinogradConvolution c -> Stream.of(c.scratch());
      case Kernel.PagedAttention p -> Stream.of(p.scratch());
      default -> Stream.of();
    };
    return Stream.concat(outputs, scratch).distinct().toList();
  }

  private void scales(Kernel.@Nullable Scales scales) {
    if (scales != null) {
      operands(scales.tiles());
    }
  }

  private void operands(Operand... operands) {
    for (Operand o : operands) {
      buffers.add(o.buffer());
    }
  }

  private void compute(Value v) {
    if (seen.add(v)) {
      Fusion.computed(v.op()).forEach(this::visit);
    }
  }

  private void visit(Value v) {
    Operand operand = memory.get(v);
    if (seen.contains(v) || operand == null) {
      compute(v);
    } else {
      seen.add(v);
      buffers.add(operand.buffer());
    }
  }
}
