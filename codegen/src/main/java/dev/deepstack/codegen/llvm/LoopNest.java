package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.Expressions.Lane;
import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/// One nest of loops that fills an operand with a value.
///
/// The loops are the axes of the value, split where a reshape below divides them and merged where all memory is walked
/// evenly, so that inner loops are long and their addresses plain. The innermost one runs over vectors, the others are
/// rows, which the threads share out; with fewer rows than threads they share the innermost loop instead.
final class LoopNest {
  private static final int SPLITS_MAX = 8;

  private final KernelCode code;
  private final Fn f;
  private final Operand out;
  private final Value root;
  private final boolean compute;
  private List<Dim> index = new ArrayList<>();
  private final List<Dim> loops = new ArrayList<>();

  private LoopNest(KernelCode code, Kernel.Nest nest) {
    this.code = code;
    f = code.f;
    out = nest.out();
    root = nest.root();
    compute = nest.isComputed(code.memory);
    for (Dim extent : root.type().shape().dims()) {
      Dim counter = extent.is(1) ? Dim.ZERO : code.indexing.counter(extent);
      index.add(counter);
      if (!extent.is(1)) {
        loops.add(counter);
      }
    }
    split();
    merge();
  }

  static void emit(KernelCode code, Kernel.Nest nest) {
    new LoopNest(code, nest).emit();
  }

  /// All addresses under the present index.
  private List<Dim> addresses() {
    var all = new ArrayList<Dim>();
    all.add(out.at(index));
    Contiguity.of(code).addresses(root, List.copyOf(index), compute, all::add);
    return all;
  }

  private void substitute(Map<String, Dim> replacements) {
    index = new ArrayList<>(index.stream().map(d -> d.substitute(replacements)).toList());
  }

  private Dim extent(Dim counter) {
    return Objects.requireNonNull(code.indexing.extent(Indexing.name(counter)));
  }

  /// Where an address divides a counter by a divisor of its extent, two loops say the same without dividing.
  private void split() {
    for (int round = 0; round < SPLITS_MAX; round++) {
      Dim.Call call = addresses().stream().flatMap(d -> calls(d).stream()).findFirst().orElse(null);
      if (call == null) {
        return;
      }
      Dim counter = call.left();
      Dim inner = code.indexing.counter(call.right());
      Dim outer = code.indexing.counter(Objects.requireNonNull(extent(counter).divideExactly(call.right())));
      int at = loops.indexOf(counter);
      substitute(Map.of(Indexing.name(counter), outer.times(call.right()).plus(inner)));
      loops.set(at, outer);
      loops.add(at + 1, inner);
    }
  }

  /// Divisions of one of our counters, without remainder, in an address.
  private List<Dim.Call> calls(Dim address) {
    var calls = new ArrayList<Dim.Call>();
    for (Dim.Term t : address.terms()) {
      for (Dim.Factor factor : t.factors()) {
        if (factor instanceof Dim.Call c) {
          boolean splits = loops.contains(c.left()) && !c.right().is(0)
              && (c.function() == Dim.Function.FLOORDIV || c.function() == Dim.Function.MOD)
              && extent(c.left()).divideExactly(c.right()) != null;
          if (splits) {
            calls.add(c);
          }
          calls.addAll(calls(c.left()));
        }
      }
    }
    return calls;
  }

  private void merge() {
    for (int k = loops.size() - 2; k >= 0; k--) {
      Dim a = loops.get(k);
      Dim b = loops.get(k + 1);
      if (!walksEvenly(a, b)) {
        continue;
      }
      var before = index;
      Dim extent = extent(b);
      Dim merged = code.indexing.counter(extent(a).times(extent));
      // The outer counter is 0 and the inner one runs on past its extent: every address is linear in both.
      substitute(Map.of(Indexing.name(a), Dim.ZERO, Indexing.name(b), merged));
      if (addresses().stream().allMatch(d -> Indexing.coefficient(d, Indexing.name(merged)) != null)) {
        loops.set(k, merged);
        loops.remove(k + 1);
      } else {
        index = before;
      }
    }
  }

  private boolean walksEvenly(Dim a, Dim b) {
    for (Dim address : addresses()) {
      Dim outer = Indexing.coefficient(address, Indexing.name(a));
      Dim inner = Indexing.coefficient(address, Indexing.name(b));
      if (outer == null || inner == null || !outer.equals(inner.times(extent(b)))) {
        return false;
      }
    }
    return true;
  }

  private void emit() {
    if (loops.isEmpty()) {
      f.when(f.icmp("eq", "%thread", "0"), () -> store(new Expressions(code), Lane.SCALAR));
      return;
    }
    Dim inner = loops.getLast();
    List<Dim> outer = List.copyOf(loops.subList(0, loops.size() - 1));
    int lanes = lanes(inner);
    String extent = code.index(extent(inner));
    Dim rows = Dim.ONE;
    for (Dim counter : outer) {
      rows = rows.times(extent(counter));
    }
    String total = code.index(rows);
    String byRows = f.icmp("sge", total, "%threads");
    String[] rowShare = code.share(total);
    String[] columnShare = code.share(extent);
    String begin = f.select(byRows, rowShare[0], "0");
    String end = f.select(byRows, rowShare[1], total);
    String from = f.select(byRows, "0", aligned(columnShare[0], lanes, extent));
    String to = f.select(byRows, extent, aligned(columnShare[1], lanes, extent));
    f.loop(begin, end, 1, row -> {
      code.unflatten(row, outer);
      row(inner, from, to, lanes);
    });
  }

  private String aligned(String position, int lanes, String extent) {
    return lanes == 1 ? position
        : f.min(f.binary("and", f.add(position, lanes - 1), Integer.toString(-lanes)), extent);
  }

  private void row(Dim inner, String from, String to, int lanes) {
    var expressions = new Expressions(code);
    expressions.hoist(root, List.copyOf(index), Indexing.name(inner), compute);
    String rest = from;
    if (lanes > 1) {
      rest = f.add(from, f.binary("and", f.sub(to, from), Integer.toString(-lanes)));
      f.loop(from, rest, lanes, i -> round(expressions, inner, i, new Lane(Indexing.name(inner), lanes)));
    }
    f.loop(rest, to, 1, i -> round(expressions, inner, i, Lane.SCALAR));
  }

  private void round(Expressions expressions, Dim inner, String i, Lane lane) {
    code.bind(inner, i);
    expressions.scoped(() -> store(expressions, lane));
  }

  private void store(Expressions expressions, Lane lane) {
    var at = List.copyOf(index);
    String value = compute ? expressions.computed(root, at, lane) : expressions.at(root, at, lane);
    Stores.store(code, out, at, value, lane);
  }

  /// How many lanes the innermost loop takes at once: one where vectors would be gathered element by element, or where
  /// a fold inside is better off taking the vectors itself.
  private int lanes(Dim inner) {
    String counter = Indexing.name(inner);
    Dim extent = extent(inner);
    int lanes = code.lanes;
    while (extent.isConstant() && lanes > 4 && extent.constant() % lanes != 0 && extent.constant() < 4L * lanes) {
      lanes /= 2;
    }
    if (extent.isConstant() && extent.constant() < lanes) {
      return 1;
    }
    Dim stride = Indexing.coefficient(out.at(index), counter);
    boolean even = stride != null && stride.is(1) && Contiguity.of(code).suitsMostly(root, List.copyOf(index), counter,
        compute);
    return even || !hasFold(root, compute) && isCostly(root, compute) ? lanes : 1;
  }

  private boolean hasFold(Value v, boolean computed) {
    if (!computed && code.memory.containsKey(v)) {
      return false;
    }
    return v.op() instanceof Op.Reduction || v.op() instanceof Op.MatMul
        || OpSchema.operands(v.op()).stream().anyMatch(o -> hasFold(o, false));
  }

  private boolean isCostly(Value v, boolean computed) {
    if (!computed && code.memory.containsKey(v)) {
      return false;
    }
    return switch (v.op()) {
      case Op.Exp _, Op.Log _, Op.Sin _, Op.Cos _, Op.Tanh _, Op.Sigmoid _, Op.Erf _ -> true;
      default -> OpSchema.operands(v.op()).stream().anyMatch(o -> isCostly(o, false));
    };
  }
}
