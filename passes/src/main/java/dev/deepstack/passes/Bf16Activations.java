package dev.deepstack.passes;

import dev.deepstack.ir.ExpandComposites;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// Products with bf16 weights take activations rounded to bf16: `linear(x, w) -> linear(cast(cast(x, bf16), f32), w)`,
/// which processors with bf16 products compute at twice the rate of f32. Sums stay f32. What comes out changes by what
/// bf16 cannot say: at most 1/512 of each activation, as where a model is run in bf16 throughout.
final class Bf16Activations {
  private Bf16Activations() {}

  static Graph run(Graph graph) {
    Graph open = ExpandComposites.expand(graph, Bf16Activations::hidesProducts);
    return Rewriter.rewrite(open, List.of(Simplify::apply, SimplifyViews::apply, Bf16Activations::apply));
  }

  private static boolean hidesProducts(Op.Composite op) {
    return switch (op) {
      case Op.GatedMlp m -> isExact(m.x()) && (isBf16(m.gate()) || isBf16(m.up()) || isBf16(m.down()));
      case Op.RoutedExperts r -> isExact(r.x()) && (isBf16(r.gateUp()) || isBf16(r.down()));
      default -> false;
    };
  }

  private static @Nullable Value apply(Op op, Rewriter to) {
    return switch (op) {
      case Op.Linear(var x, var w, var bias) when isExact(x) && isBf16(w) ->
          to.add(new Op.Linear(rounded(x, to), w, bias));
      case Op.RoutedLinear(var x, var w, var ids) when isExact(x) && isBf16(w) ->
          to.add(new Op.RoutedLinear(rounded(x, to), w, ids));
      default -> null;
    };
  }

  private static boolean isBf16(Value w) {
    return w.type().dtype() == DType.BF16;
  }

  /// Whether a value is f32 and may hold what bf16 cannot.
  private static boolean isExact(Value x) {
    return x.type().dtype() == DType.F32 && !(x.op() instanceof Op.Cast(var narrow, DType _) && isBf16(narrow));
  }

  private static Value rounded(Value x, Rewriter to) {
    return to.add(new Op.Cast(to.add(new Op.Cast(x, DType.BF16)), DType.F32));
  }
}
