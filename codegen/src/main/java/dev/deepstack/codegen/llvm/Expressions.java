package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// Computes values of the graph at given indices, as instructions: element-wise ops and views are followed down to
/// memory, reductions and contractions become loops on the spot.
///
/// With a [Lane] the result is a vector: lane `l` has the counter at its value plus `l`. Whatever does not depend on
/// that counter comes out as a scalar, and a value is computed once per scope.
final class Expressions {
  /// The counter along which a vector runs, and how many lanes it has.
  record Lane(String counter, int lanes) {
    static final Lane SCALAR = new Lane("", 1);

    boolean varies(List<Dim> index) {
      return lanes > 1 && index.stream().anyMatch(d -> d.symbols().contains(counter));
    }
  }

  private record Key(int value, List<Dim> index, int lanes) {}

  /// What is known in a block and the blocks inside it: values, and index values checked and given a name.
  private record Scope(Map<Key, String> values, Map<String, Dim> opaques) {
    Scope() {
      this(new HashMap<>(), new HashMap<>());
    }
  }

  final KernelCode code;
  private final Fn f;
  private final Deque<Scope> scopes = new ArrayDeque<>();
  private final Map<Value, String> given = new HashMap<>();
  private final Folds folds;

  Expressions(KernelCode code) {
    this.code = code;
    f = code.f;
    folds = new Folds(this);
    scopes.push(new Scope());
  }

  /// Runs `body` with a scope of its own: what it computes is forgotten afterwards, as code inside a loop must be.
  void scoped(Runnable body) {
    scopes.push(new Scope());
    body.run();
    scopes.pop();
  }

  /// Fixes what a value is, at whatever index: the product in a linear kernel's epilogue.
  void give(Value value, String register) {
    given.put(value, register);
  }

  /// The value at an index, loaded if it has memory.
  String at(Value v, List<Dim> index, Lane lane) {
    return at(v, index, lane, false);
  }

  /// The value at an index, computed even if it has memory: for the kernel that is writing it.
  String computed(Value v, List<Dim> index, Lane lane) {
    return at(v, index, lane, true);
  }

  private String at(Value v, List<Dim> index, Lane lane, boolean compute) {
    String fixed = given.get(v);
    if (fixed != null) {
      return fixed;
    }
    Lane here = lane.varies(index) ? lane : Lane.SCALAR;
    var key = new Key(v.id(), index, here.lanes());
    for (var scope : scopes) {
      String known = scope.values.get(key);
      if (known != null) {
        return known;
      }
    }
    Operand operand = compute ? null : code.memory.get(v);
    String result = operand != null ? load(operand, index, here) : compute(v, index, here);
    scopes.element().values.put(key, result);
    return result;
  }

  private String load(Operand operand, List<Dim> index, Lane lane) {
    Dim flat = Indexing.tidy(operand.at(index));
    if (lane.lanes() == 1 || !flat.symbols().contains(lane.counter())) {
      return Registers.load(f, operand.dtype(), code.address(operand, flat), 1);
    }
    Dim stride = Indexing.coefficient(flat, lane.counter());
    if (stride != null && stride.is(1)) {
      return Registers.load(f, operand.dtype(), code.address(operand, flat), lane.lanes());
    }
    return perLane(lane, shift -> Registers.load(f, operand.dtype(),
        code.address(operand, flat.substitute(shift)), 1), Registers.element(operand.dtype()));
  }

  /// Builds a vector lane by lane; `scalar` gets the counter's replacement for its lane.
  private String perLane(Lane lane, java.util.function.Function<Map<String, Dim>, String> scalar, String element) {
    String vector = Vec.zero(f, element, lane.lanes());
    for (int l = 0; l < lane.lanes(); l++) {
      var shift = Map.of(lane.counter(), Dim.symbol(lane.counter()).plus(l));
      vector = Vec.insert(f, vector, scalar.apply(shift), l);
    }
    return vector;
  }

  private String perLane(Value v, List<Dim> index, Lane lane) {
    return perLane(lane, shift -> Registers.materialize(f,
        compute(v, index.stream().map(d -> d.substitute(shift)).toList(), Lane.SCALAR)),
        Registers.element(v.type().dtype()));
  }

  private String compute(Value v, List<Dim> index, Lane lane) {
    DType dtype = v.type().dtype();
    return switch (v.op()) {
      case Op.Constant(double value, DType d) -> Registers.literal(d, value);
      case Op.DimValue(Dim dim) -> integer(dim, lane);
      case Op.Iota _ -> integer(index.getFirst(), lane);
      case Op.CumSum _ -> throw hasNoCode(v);
      case Op.Unary op -> Registers.round(f, dtype, Arithmetic.unary(f, op, operand(op.x(), index, lane)));
      case Op.Binary op -> {
        String a = operand(op.a(), index, lane);
        String b = operand(op.b(), index, lane);
        yield Registers.round(f, dtype, Arithmetic.binary(f, op, alike(a, b), alike(b, a)));
      }
      case Op.Select(var condition, var a, var b) -> select(condition, a, b, index, lane);
      case Op.Cast(var x, DType to) ->
          Arithmetic.cast(f, x.type().dtype(), to, operand(x, index, lane));
      case Op.View view -> at(view.x(), code.indexing.through(view, index), lane);
      case Op.Gather g -> gather(g, v, index, lane);
      case Op.TakeAlong t -> takeAlong(t, v, index, lane);
      case Op.Reduction r -> Registers.round(f, dtype, folds.reduce(r, index, lane));
      case Op.MatMul m -> Registers.round(f, dtype, folds.matmul(m, index, lane));
      default -> throw hasNoCode(v);
    };
  }

  private static IllegalStateException hasNoCode(Value v) {
    return new IllegalStateException("must have memory: " + dev.deepstack.ir.GraphText.line(v));
  }

  private String operand(Value x, List<Dim> index, Lane lane) {
    return at(x, Indexing.broadcast(index, x.type().shape()), lane);
  }

  /// `x` with as many lanes as the wider of the two; literals adapt by themselves.
  private String alike(String x, String other) {
    int lanes = Fn.lanesOf(f.type(other));
    return lanes > 1 && x.startsWith("%") && Fn.lanesOf(f.type(x)) == 1 ? Vec.splat(f, x, lanes) : x;
  }

  private String select(Value condition, Value a, Value b, List<Dim> index, Lane lane) {
    String c = operand(condition, index, lane);
    String x = operand(a, index, lane);
    String y = operand(b, index, lane);
    int lanes = Math.max(Fn.lanesOf(f.type(c)), Math.max(Fn.lanesOf(f.type(x)), Fn.lanesOf(f.type(y))));
    return f.select(Arithmetic.spread(f, c, lanes), Arithmetic.spread(f, x, lanes), Arithmetic.spread(f, y, lanes));
  }

  /// An index expression as an i64 value.
  private String integer(Dim dim, Lane lane) {
    if (lane.lanes() == 1 || !dim.symbols().contains(lane.counter())) {
      String i = code.index(dim);
      return i.startsWith("%") ? i : "i64 " + i;
    }
    Dim stride = Indexing.coefficient(dim, lane.counter());
    if (stride == null) {
      return perLane(lane, shift -> scalar(dim, shift), "i64");
    }
    String first = Vec.splat(f, scalar(dim, Map.of()), lane.lanes());
    String steps = Vec.iota(f, "i64", lane.lanes());
    String scaled = stride.is(1) ? steps : f.mul(steps, Vec.splat(f, scalar(stride, Map.of()), lane.lanes()));
    return f.add(first, scaled);
  }

  private String scalar(Dim dim, Map<String, Dim> shift) {
    String i = code.index(dim.substitute(shift));
    return i.startsWith("%") ? i : Registers.materialize(f, "i64 " + i);
  }

  private String gather(Op.Gather g, Value v, List<Dim> index, Lane lane) {
    int rank = g.indices().type().rank();
    var which = index.subList(g.axis(), g.axis() + rank);
    if (lane.varies(which)) {
      return perLane(v, index, lane);
    }
    var inner = new ArrayList<>(index.subList(0, g.axis()));
    inner.add(opaque(at(g.indices(), List.copyOf(which), Lane.SCALAR), g.x().type().dim(g.axis())));
    inner.addAll(index.subList(g.axis() + rank, index.size()));
    return at(g.x(), List.copyOf(inner), lane);
  }

  private String takeAlong(Op.TakeAlong t, Value v, List<Dim> index, Lane lane) {
    if (lane.varies(index)) {
      return perLane(v, index, lane);
    }
    int axis = t.x().type().shape().axis(t.axis());
    var inner = new ArrayList<>(index);
    inner.set(axis, opaque(at(t.indices(), index, Lane.SCALAR), t.x().type().dim(axis)));
    return at(t.x(), List.copyOf(inner), lane);
  }

  /// A run-time index as a symbol that index arithmetic can carry.
  private Dim opaque(String value, Dim extent) {
    for (Scope scope : scopes) {
      Dim known = scope.opaques.get(value);
      if (known != null) {
        return known;
      }
    }
    Dim name = code.named(code.checked(Registers.materialize(f, value), extent));
    scopes.element().opaques.put(value, name);
    return name;
  }

  /// Computes, outside the loop about to begin, everything under `v` that the loop's counter does not change.
  void hoist(Value v, List<Dim> index, String counter, boolean compute) {
    if (v.op() instanceof Op.Constant || given.containsKey(v)) {
      return;
    }
    if (index.stream().noneMatch(d -> d.symbols().contains(counter))) {
      at(v, index, Lane.SCALAR, compute);
      return;
    }
    if (!compute && code.memory.containsKey(v)) {
      return;
    }
    switch (v.op()) {
      case Op.View view -> hoist(view.x(), code.indexing.through(view, index), counter, false);
      case Op.Gather g -> hoistGather(g, index, counter);
      case Op.Unary _, Op.Binary _, Op.Select _, Op.Cast _ -> {
        for (Value x : dev.deepstack.ir.OpSchema.operands(v.op())) {
          hoist(x, Indexing.broadcast(index, x.type().shape()), counter, false);
        }
      }
      default -> { }
    }
  }

  private void hoistGather(Op.Gather g, List<Dim> index, String counter) {
    int rank = g.indices().type().rank();
    var which = List.copyOf(index.subList(g.axis(), g.axis() + rank));
    if (which.stream().noneMatch(d -> d.symbols().contains(counter))) {
      opaque(at(g.indices(), which, Lane.SCALAR), g.x().type().dim(g.axis()));
    }
  }
}
