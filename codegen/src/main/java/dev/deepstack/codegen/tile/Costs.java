package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.Dim;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// Rough multiply-adds and bytes of a kernel: what decides whether threads are worth waking, and what reports show.
final class Costs {
  private static final int TRANSCENDENTAL = 8;
  private static final int QUANTIZE = 4;
  /// Positions that a token sees, where only the caller knows.
  private static final int CONTEXT = 256;

  private final Map<Value, Operand> memory;

  Costs(Map<Value, Operand> memory) {
    this.memory = memory;
  }

  Dim work(Kernel kernel) {
    return switch (kernel) {
      case Kernel.Loops(var nests) -> {
        Dim sum = Dim.ZERO;
        for (Kernel.Nest n : nests) {
          sum = sum.plus(work(n.root(), n.isComputed(memory), new HashSet<>()));
        }
        yield sum;
      }
      case Kernel.Linear l -> l.product().type().shape().elements().times(columns(l.product()));
      case Kernel.Convolution c -> c.product().type().shape().elements().times(taps(c.op()));
      case Kernel.DepthwiseConvolution c -> c.product().type().shape().elements().times(taps(c.op()));
      case Kernel.WinogradConvolution c ->
          c.product().type().shape().elements().times(c.tiles().channels()).times(WinogradTiles.PRODUCTS);
      case Kernel.RoutedLinear r -> r.out().shape().elements().times(columns(r.product()));
      case Kernel.Quantize q -> q.x().shape().elements().times(QUANTIZE);
      case Kernel.Dequantize d -> d.out().shape().elements().times(TRANSCENDENTAL);
      case Kernel.PagedAttention p -> p.out().shape().elements().times(CONTEXT);
      case Kernel.Attention a -> a.out().shape().elements().times(a.k().shape().dim(-2)).times(2);
      case Kernel.GroupedMatMul g -> g.out().shape().elements().times(g.x().shape().dim(1));
      case Kernel.TopK t -> t.x().shape().elements().times(t.k());
      case Kernel.ArgSort a -> a.x().shape().elements().times(a.x().shape().dim(-1));
      case Kernel.ArgMax a -> a.x().shape().elements();
      case Kernel.CumSum c -> c.x().shape().elements();
      case Kernel.Scatter s -> s.source().type().shape().elements();
    };
  }

  private Dim work(Value v, boolean computed, Set<Value> seen) {
    if (!seen.add(v) || !computed && memory.containsKey(v)) {
      return Dim.ZERO;
    }
    Dim elements = v.type().shape().elements();
    Dim own = switch (v.op()) {
      case Op.View _, Op.Constant _, Op.Source _ -> Dim.ZERO;
      case Op.Exp _, Op.Log _, Op.Sin _, Op.Cos _, Op.Tanh _, Op.Sigmoid _, Op.Erf _, Op.Pow _ ->
          elements.times(TRANSCENDENTAL);
      case Op.Reduction r -> r.x().type().shape().elements();
      case Op.MatMul m -> elements.times(m.a().type().dim(-1));
      default -> elements;
    };
    for (Value operand : Fusion.computed(v.op())) {
      own = own.plus(work(operand, false, seen));
    }
    return own;
  }

  Dim bytes(Kernel kernel) {
    Dim sum = Dim.ZERO;
    for (Operand out : kernel.outputs()) {
      sum = sum.plus(bytes(out));
    }
    return switch (kernel) {
      case Kernel.Linear l -> sum.plus(bytes(l.x()))
          .plus(Dim.of(l.columns()).times(rowBytes(l.product())));
      case Kernel.Convolution c -> sum.plus(bytes(c.x()))
          .plus(c.op().w().type().shape().elements().times(c.op().w().type().dtype().bytes()));
      case Kernel.DepthwiseConvolution c -> sum.plus(bytes(c.x())).plus(Tiler.bytes(c.op().w().type()));
      case Kernel.WinogradConvolution c -> sum.plus(bytes(c.x())).plus(c.op().w().type().dim(0)
          .times((long) Winograd.PLACES * c.tiles().channels() * Float.BYTES));
      case Kernel.RoutedLinear r -> sum.plus(bytes(r.x()))
          .plus(r.out().shape().elements().times(rowBytes(r.product())));
      case Kernel.Quantize q -> sum.plus(bytes(q.x()));
      case Kernel.Dequantize d -> sum.plus(bytes(d.x()));
      case Kernel.PagedAttention p -> sum.plus(bytes(p.q()));
      case Kernel.Attention a -> sum.plus(bytes(a.q())).plus(bytes(a.k())).plus(bytes(a.v()));
      case Kernel.GroupedMatMul g -> sum.plus(bytes(g.x())).plus(bytes(g.w()));
      case Kernel.TopK t -> sum.plus(bytes(t.x()));
      case Kernel.ArgSort a -> sum.plus(bytes(a.x()));
      case Kernel.ArgMax a -> sum.plus(bytes(a.x()));
      case Kernel.CumSum c -> sum.plus(bytes(c.x()));
      case Kernel.Scatter s -> Tiler.bytes(s.source().type()).times(2);
      case Kernel.Loops(var nests) -> {
        var seen = new HashSet<Value>();
        for (Kernel.Nest n : nests) {
          sum = sum.plus(read(n.root(), n.isComputed(memory), seen));
        }
        yield sum;
      }
    };
  }

  private Dim read(Value v, boolean computed, Set<Value> seen) {
    if (!seen.add(v)) {
      return Dim.ZERO;
    }
    if (!computed && memory.containsKey(v)) {
      return Tiler.bytes(v.type());
    }
    // Of a table only what was looked up counts.
    return switch (v.op()) {
      case Op.Gather g -> Tiler.bytes(v.type()).plus(read(g.indices(), false, seen));
      case Op.TakeAlong t -> Tiler.bytes(v.type()).plus(read(t.indices(), false, seen));
      default -> {
        Dim sum = Dim.ZERO;
        for (Value operand : Fusion.computed(v.op())) {
          sum = sum.plus(read(operand, false, seen));
        }
        yield sum;
      }
    };
  }

  /// Multiply-adds of one result.
  private static Dim taps(Op.Convolution op) {
    Dim taps = op.w().type().dim(-1);
    for (Dim d : op.w().type().shape().dims().subList(1, op.w().type().rank() - 1)) {
      taps = taps.times(d);
    }
    return taps;
  }

  private static Value weight(Value product) {
    return switch (product.op()) {
      case Op.Linear l -> l.w();
      case Op.RoutedLinear r -> r.w();
      default -> throw new IllegalStateException("no weight in " + product);
    };
  }

  /// Length of the sums.
  private static Dim columns(Value product) {
    return weight(product).type().dim(-1);
  }

  /// Bytes of a stored row of the weight.
  private static Dim rowBytes(Value product) {
    Value stored = WeightFolding.stored(weight(product));
    return stored.type().dim(-1).times(stored.type().dtype().bytes());
  }

  private static Dim bytes(Operand o) {
    return Tiler.bytes(o.type());
  }
}
