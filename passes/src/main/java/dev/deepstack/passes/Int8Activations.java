package dev.deepstack.passes;

import dev.deepstack.ir.ExpandComposites;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Products with block weights are computed with 8-bit activations: `linear(x, dequantize(w)) ->
/// linear(int8_blocks(x), dequantize(w))`. The only pass that changes what comes out, by what 8 bits cannot say: at
/// most 1/254 of the largest activation of each group, in each activation.
///
/// Cuts and concatenations of whole rows move inside the dequantisation, where they are views of stored bytes.
final class Int8Activations {
  private Int8Activations() {}

  static Graph run(Graph graph) {
    Graph open = ExpandComposites.expand(graph, Int8Activations::hidesProducts);
    return Rewriter.rewrite(open, List.of(Simplify::apply, SimplifyViews::apply, Int8Activations::apply));
  }

  /// Composites whose products are with block weights.
  private static boolean hidesProducts(Op.Composite op) {
    return switch (op) {
      case Op.GatedMlp m -> isBlocks(m.gate()) || isBlocks(m.up()) || isBlocks(m.down());
      case Op.RoutedExperts r -> isBlocks(r.gateUp()) || isBlocks(r.down());
      default -> false;
    };
  }

  private static boolean isBlocks(Value w) {
    return switch (w.op()) {
      case Op.Dequantize _ -> true;
      case Op.Concat(var parts, int _) -> parts.stream().allMatch(Int8Activations::isBlocks);
      case Op.Slice(var x, int _, var _, var _, long _) -> isBlocks(x);
      default -> false;
    };
  }

  private static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.Linear(var x, var w, var bias) when isRounded(x, w) ->
          to.add(new Op.Linear(rounded(x, w, to), w, bias));
      case Op.RoutedLinear(var x, var w, var ids) when isRounded(x, w) ->
          to.add(new Op.RoutedLinear(rounded(x, w, to), w, ids));
      case Op.Slice(Value(Op.Dequantize(var rows, var format), var type, _), int axis, var start, var size, long step)
          when axis < type.rank() - 1 ->
          to.add(new Op.Dequantize(to.add(new Op.Slice(rows, axis, start, size, step)), format));
      case Op.Concat(var parts, int axis) when axis < parts.getFirst().type().rank() - 1 -> concat(parts, axis, to);
      default -> null;
    };
  }

  private static boolean isRounded(Value x, Value w) {
    return w.op() instanceof Op.Dequantize && x.type().dtype() == DType.F32 && !(x.op() instanceof Op.Int8Blocks);
  }

  private static Value rounded(Value x, Value w, Rewriter to) {
    BlockFormat format = ((Op.Dequantize) w.op()).format();
    return to.add(new Op.Int8Blocks(x, format.scaleGroup()));
  }

  private static @Nullable Value concat(List<Value> parts, int axis, Rewriter to) {
    var rows = new ArrayList<Value>();
    BlockFormat format = null;
    for (Value part : parts) {
      if (!(part.op() instanceof Op.Dequantize(var x, var f)) || format != null && format != f) {
        return null;
      }
      format = f;
      rows.add(x);
    }
    return format == null ? null : to.add(new Op.Dequantize(to.add(new Op.Concat(rows, axis)), format));
  }
}
