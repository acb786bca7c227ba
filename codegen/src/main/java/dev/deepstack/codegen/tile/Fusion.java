package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// Decides which values get memory. Such a value is a *root*: a kernel computes it. All others are computed inside the
/// kernels of the roots that use them.
///
/// A value becomes a root when it leaves the graph, when its kernel is one of its own (a linear layer, a top-k), when a
/// kernel needs it in memory, and when computing it again for each of several users would cost more than storing it.
final class Fusion {
  /// Computing again up to this many simple operations is cheaper than memory.
  private static final int CHEAP = 6;
  private static final int TRANSCENDENTAL = 12;
  private static final int FOLD = 1000;

  private final Graph graph;
  private final Set<Value> live = new HashSet<>();
  private final Map<Value, List<Value>> users = new HashMap<>();
  private final Map<Value, Set<Value>> owners = new HashMap<>();
  private final Map<Value, Integer> costs = new HashMap<>();
  private final Set<Value> required = new HashSet<>();
  private final Set<Value> roots = new HashSet<>();

  Fusion(Graph graph) {
    this.graph = graph;
    markLive();
    graph.values().stream().filter(live::contains).forEach(v -> costs.put(v, cost(v)));
    graph.values().stream().filter(live::contains).forEach(this::requireOperands);
    graph.outputs().forEach(o -> required.add(o.value()));
    for (Value v : graph.values().reversed()) {
      if (live.contains(v)) {
        decide(v);
      }
    }
  }

  boolean isRoot(Value v) {
    return roots.contains(v);
  }

  boolean isLive(Value v) {
    return live.contains(v);
  }

  List<Value> users(Value v) {
    return users.getOrDefault(v, List.of());
  }

  /// The roots whose kernels read the value's memory or compute it.
  Set<Value> owners(Value v) {
    return owners.getOrDefault(v, Set.of());
  }

  private void markLive() {
    var work = new ArrayList<Value>();
    graph.outputs().forEach(o -> work.add(o.value()));
    while (!work.isEmpty()) {
      Value v = work.removeLast();
      if (live.add(v)) {
        for (Value operand : computed(v.op())) {
          users.computeIfAbsent(operand, _ -> new ArrayList<>()).add(v);
          work.add(operand);
        }
      }
    }
  }

  /// The operands that a kernel computes with: all but weights that are packed when the model is loaded.
  static List<Value> computed(Op op) {
    return switch (op) {
      case Op.Linear l when l.w().op() instanceof Op.ScaleTiles s -> List.of(l.x(), s.scales());
      case Op.Linear l -> List.of(l.x());
      case Op.Convolution c -> List.of(c.x());
      case Op.RoutedLinear r when r.w().op() instanceof Op.ScaleTiles s -> List.of(r.x(), r.ids(), s.scales());
      case Op.RoutedLinear r -> List.of(r.x(), r.ids());
      default -> OpSchema.operands(op);
    };
  }

  static boolean isSource(Value v) {
    return v.op() instanceof Op.Source;
  }

  /// Costs nothing wherever it is needed.
  private static boolean isFree(Value v) {
    return v.op() instanceof Op.Constant || v.op() instanceof Op.DimValue || v.op() instanceof Op.Iota;
  }

  /// Has a kernel of its own.
  static boolean isHeavy(Op op) {
    return switch (op) {
      case Op.Composite _, Op.ArgMax _, Op.CumSum _, Op.TopK _, Op.ArgSort _, Op.Scatter _, Op.ScatterAlong _,
          Op.GroupedMatMul _, Op.Concat _, Op.Pad _, Op.Dequantize _, Op.Choose _, Op.Loop _ -> true;
      default -> false;
    };
  }

  private static boolean isFold(Op op) {
    return op instanceof Op.Reduction || op instanceof Op.MatMul;
  }

  private void requireOperands(Value v) {
    switch (v.op()) {
      case Op.Linear l -> {
        requireRows(l.x());
        requireScales(l.w());
      }
      case Op.Convolution c -> requireChannels(c.x());
      case Op.RoutedLinear r -> {
        requireRows(r.x());
        require(r.ids());
        requireScales(r.w());
      }
      case Op.Attention a -> {
        require(a.q());
        require(a.k());
        require(a.v());
        if (a.mask() != null) {
          require(a.mask());
        }
      }
      case Op.Int8Blocks(var x, int _) -> requireRows(x);
      case Op.Dequantize(var x, var _) -> requireRows(x);
      case Op.PagedAttention a -> OpSchema.operands(a).forEach(this::require);
      case Op.ArgMax(var x, int _) -> require(x);
      case Op.CumSum(var x, int _) -> require(x);
      case Op.TopK(var x, long _, boolean _) -> require(x);
      case Op.ArgSort(var x, boolean _) -> require(x);
      case Op.Scatter s -> require(s.indices());
      case Op.ScatterAlong s -> require(s.indices());
      case Op.GroupedMatMul g -> {
        require(g.x());
        require(g.w());
        require(g.offsets());
      }
      case Op.Choose c -> require(c.condition());
      case Op.Loop l -> l.given().forEach(this::requireWhole);
      case Op.MatMul(var a, var b) -> {
        // Evaluated again for every row or column, so only loads will do.
        requireLoads(a);
        requireLoads(b);
      }
      default -> { }
    }
  }

  /// As [#require], and all elements must lie in order.
  private void requireWhole(Value v) {
    require(v);
    Operand x = strided(v);
    if (x == null || !x.isContiguous()) {
      required.add(v);
    }
  }

  private void requireScales(Value w) {
    if (w.op() instanceof Op.ScaleTiles s) {
      requireRows(s.scales());
    }
  }

  private void requireLoads(Value v) {
    Value base = v;
    while (base.op() instanceof Op.View || base.op() instanceof Op.Cast || base.op() instanceof Op.Gather) {
      base = OpSchema.operands(base.op()).getFirst();
    }
    if (!isSource(base) && !isHeavy(base.op())) {
      required.add(base);
    }
  }

  /// A kernel reads the value by strides: either it is a view of memory that strides can say, or it gets memory itself.
  private void require(Value v) {
    Value base = base(v);
    boolean stored = isSource(base) || isHeavy(base.op()) || required.contains(base);
    if (!stored || !isStrided(v)) {
      required.add(v);
    }
  }

  /// As [#require], and the leading axes must be one even run of contiguous rows.
  private void requireRows(Value v) {
    require(v);
    Operand x = strided(v);
    Dim columns = v.type().dim(-1);
    Operand rows = x == null ? null : x.reshape(Shape.of(v.type().shape().elements().floorDiv(columns), columns));
    if (rows == null || !rows.strides().get(1).is(1)) {
      required.add(v);
    }
  }

  /// As [#require], and the last axis must be contiguous.
  private void requireChannels(Value v) {
    require(v);
    Operand x = strided(v);
    if (x == null || !x.strides().getLast().is(1)) {
      required.add(v);
    }
  }

  private static Value base(Value v) {
    Value base = v;
    while (base.op() instanceof Op.View view) {
      base = view.x();
    }
    return base;
  }

  private static boolean isStrided(Value v) {
    return strided(v) != null;
  }

  private static @org.jspecify.annotations.Nullable Operand strided(Value v) {
    if (v.op() instanceof Op.View view) {
      Operand x = strided(view.x());
      return x == null ? null : Views.apply(view, x);
    }
    return Operand.whole(0, v.type());
  }

  private int cost(Value v) {
    if (isSource(v) || isFree(v) || isHeavy(v.op())) {
      return v.op() instanceof Op.Source ? 1 : 0;
    }
    long sum = OpSchema.operands(v.op()).stream().mapToLong(o -> costs.getOrDefault(o, 0)).sum();
    long own = switch (v.op()) {
      case Op.View _, Op.Cast _ -> 0;
      case Op.Exp _, Op.Expm1 _, Op.Log _, Op.Log1p _, Op.Sin _, Op.Cos _, Op.Tanh _, Op.Sigmoid _, Op.Erf _,
          Op.Pow _, Op.Sqrt _, Op.Rsqrt _, Op.Rem _, Op.FloorDiv _ -> TRANSCENDENTAL;
      case Op.Reduction _, Op.MatMul _ -> FOLD;
      default -> 1;
    };
    return (int) Math.min(sum + own, 1_000_000);
  }

  private void decide(Value v) {
    if (isFree(v) && !required.contains(v)) {
      return;
    }
    var mine = new LinkedHashSet<Value>();
    for (Value user : users(v)) {
      if (isRoot(user)) {
        mine.add(user);
      } else {
        mine.addAll(owners(user));
      }
    }
    if (isSource(v)) {
      owners.put(v, mine);
      return;
    }
    boolean root = required.contains(v) || isHeavy(v.op());
    if (!root && !(v.op() instanceof Op.View)) {
      boolean shared = mine.size() > 1;
      root = isFold(v.op())
          ? shared || !staysInRow(v)
          : shared && cost(v) > CHEAP || cost(v) > TRANSCENDENTAL && repeats(v);
    }
    if (root) {
      roots.add(v);
    }
    owners.put(v, mine);
  }

  /// Whether every user evaluates the fold once per row: it may be broadcast along the last axis only, where the
  /// evaluation is hoisted out of the innermost loop.
  private boolean staysInRow(Value v) {
    return users(v).stream().allMatch(u -> isRoot(u) && isHeavy(u.op())
        ? u.op() instanceof Op.Concat || u.op() instanceof Op.Choose
        : u.op() instanceof Op.Reduction r ? isAlongLast(r) : staysInRow(v, u));
  }

  private static boolean isAlongLast(Op.Reduction r) {
    return r.axes().equals(List.of(r.x().type().rank() - 1));
  }

  private boolean staysInRow(Value v, Value user) {
    if (user.op() instanceof Op.MatMul || user.op() instanceof Op.Gather || user.op() instanceof Op.TakeAlong) {
      return false;
    }
    if (user.op() instanceof Op.Reshape && !sameRows(v, user)) {
      return false;
    }
    if (user.op() instanceof Op.Permute || repeatsBeforeLast(v, user)) {
      return false;
    }
    return isRoot(user) || staysInRow(user);
  }

  /// A reshape that only adds or drops unit axes.
  private static boolean sameRows(Value v, Value reshaped) {
    return v.type().shape().dims().stream().filter(d -> !d.is(1)).toList()
        .equals(reshaped.type().shape().dims().stream().filter(d -> !d.is(1)).toList());
  }

  private boolean repeats(Value v) {
    return users(v).stream().anyMatch(u -> u.op() instanceof Op.View
        ? repeatsBeforeLast(v, u) || !isRoot(u) && repeats(u)
        : !isHeavy(u.op()) && repeatsBeforeLast(v, u));
  }

  /// Whether the user broadcasts the value along an axis other than the last.
  private static boolean repeatsBeforeLast(Value v, Value user) {
    if (user.op() instanceof Op.Reshape || user.op() instanceof Op.Permute || user.op() instanceof Op.Slice
        || user.op() instanceof Op.Reduction || isHeavy(user.op())) {
      return false;
    }
    if (user.op() instanceof Op.Windows w) {
      return w.size() > 1;
    }
    var outer = user.type().shape();
    int skip = outer.rank() - v.type().rank();
    for (int i = 0; i < outer.rank() - 1; i++) {
      boolean repeated = !outer.dim(i).is(1) && (i < skip || v.type().dim(i - skip).is(1));
      if (repeated) {
        return true;
      }
    }
    return false;
  }
}
