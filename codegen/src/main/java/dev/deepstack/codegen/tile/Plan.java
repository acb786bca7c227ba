package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.program.Buffer;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.TensorType;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What a program has once, however many bodies its loops have: buffers, weights, symbols, sentences.
final class Plan {
  private static final Dim UNBOUNDED = Dim.of(Long.MAX_VALUE);

  final List<Buffer> buffers = new ArrayList<>();
  final List<WeightRecipe> weights = new ArrayList<>();
  final Map<Integer, Dim> temporaries = new HashMap<>();
  final SequencedMap<String, DimRange> symbols = new LinkedHashMap<>();
  final SequencedMap<String, Dim> computed = new LinkedHashMap<>();
  final Set<String> counters = new HashSet<>();
  final List<String> faults = new ArrayList<>();
  private final Map<WeightRecipe, Integer> recipes = new HashMap<>();

  int buffer(Buffer buffer) {
    buffers.add(buffer);
    return buffers.size() - 1;
  }

  /// A part of the arena, as large as it can get.
  int temporary(Dim bytes) {
    int id = buffer(new Buffer.Slot(-1));
    temporaries.put(id, greatest(bytes));
    return id;
  }

  Operand temporary(TensorType type) {
    return Operand.whole(temporary(Tiler.bytes(type)), type);
  }

  int weight(WeightRecipe recipe) {
    return recipes.computeIfAbsent(recipe, r -> {
      weights.add(r);
      return buffer(new Buffer.Weight(weights.size() - 1));
    });
  }

  int fault(String sentence) {
    faults.add(sentence);
    return faults.size() - 1;
  }

  /// The size where the data make it as large as they may.
  ///
  /// @throws UnsupportedModelException when nothing says how large that is
  Dim greatest(Dim size) {
    for (String symbol : size.symbols()) {
      if (UNBOUNDED.equals(computed.get(symbol))) {
        throw new UnsupportedModelException("a size that the data decide (" + symbol + ") has no limit, so memory for "
            + size + " bytes cannot be planned; add torch._check(size <= limit) to the model and export it again");
      }
    }
    return size.atMost(computed);
  }

  /// Makes a step of what binds a symbol.
  Step.Bind bind(Graph graph, String symbol, Operand value, Value bound) {
    DimRange range = symbols.getOrDefault(symbol, new DimRange(0, Long.MAX_VALUE));
    Dim greatest = greatest(bound);
    for (Graph.Output o : graph.outputs()) {
      if (greatest == null && o instanceof Graph.Check(var _, Value condition)) {
        greatest = greatest(condition.op(), symbol);
      }
    }
    if (range.isBounded()) {
      Dim limit = Dim.of(range.max());
      greatest = greatest == null ? limit : greatest.min(limit);
    }
    Dim all = greatest == null ? UNBOUNDED : greatest;
    computed.put(symbol, all);
    String most = all.equals(UNBOUNDED) ? "must not be negative" : "must be between 0 and " + all;
    return new Step.Bind(symbol, value, Math.min(range.min(), 0), all,
        fault("a size that the inputs decide (" + symbol + ") " + most + "; change the inputs"));
  }

  /// The most that counting or choosing can give, or null when the value says nothing.
  private @Nullable Dim greatest(Value v) {
    return switch (v.op()) {
      case Op.Constant(double value, var _) -> Dim.of((long) value);
      case Op.DimValue(Dim dim) -> dim.symbols().stream().anyMatch(computed.keySet()::contains) ? null : dim;
      case Op.Reshape(var x, var _) -> greatest(x);
      case Op.Cast(var x, var _) -> greatest(x);
      case Op.ReduceSum(Value(Op.Cast(var x, var _), _, _), var axes, var _)
          when x.type().dtype() == DType.BOOL && axes.size() == x.type().rank() ->
          greatest(x.type().shape().elements());
      case Op.Choose(var _, var a, var b) -> {
        Dim x = greatest(a);
        Dim y = greatest(b);
        yield x == null || y == null ? null : x.max(y);
      }
      default -> null;
    };
  }

  /// What a condition says a symbol is at most.
  private @Nullable Dim greatest(Op condition, String symbol) {
    return switch (condition) {
      case Op.Le(var a, var b) when isSymbol(a, symbol) -> greatest(b);
      case Op.Lt(var a, var b) when isSymbol(a, symbol) -> greatest(b);
      case Op.Ge(var a, var b) when isSymbol(b, symbol) -> greatest(a);
      case Op.Gt(var a, var b) when isSymbol(b, symbol) -> greatest(a);
      default -> null;
    };
  }

  private static boolean isSymbol(Value v, String symbol) {
    return v.op() instanceof Op.DimValue(Dim dim) && dim.equals(Dim.symbol(symbol));
  }
}
