package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;

/// Looks at how the memory under an expression is addressed, without writing code.
final class Contiguity {
  private final KernelCode code;
  private final Set<Object> seen = new HashSet<>();

  private Contiguity(KernelCode code) {
    this.code = code;
  }

  static Contiguity of(KernelCode code) {
    return new Contiguity(code);
  }

  private record At(int value, List<Dim> index) {}

  /// Whether a vector along `counter` loads whole vectors wherever it varies.
  boolean suits(Value v, List<Dim> index, String counter) {
    var bad = new ArrayList<Dim>();
    addresses(v, index, false, flat -> {
      Dim stride = Indexing.coefficient(flat, counter);
      if (stride == null || !stride.is(0) && !stride.is(1)) {
        bad.add(flat);
      }
    });
    return bad.isEmpty();
  }

  /// Whether most loads of a vector along `counter` are of whole vectors, or none depends on it.
  boolean suitsMostly(Value v, List<Dim> index, String counter, boolean compute) {
    int[] good = {0, 0};
    addresses(v, index, compute, flat -> {
      Dim stride = Indexing.coefficient(flat, counter);
      good[stride != null && (stride.is(0) || stride.is(1)) ? 0 : 1]++;
    });
    return good[1] == 0 || good[0] > 2 * good[1];
  }

  /// Gives the address (or index) of every leaf under `v`.
  void addresses(Value v, List<Dim> index, boolean compute, Consumer<Dim> leaf) {
    if (!seen.add(new At(v.id(), index))) {
      return;
    }
    Operand operand = compute ? null : code.memory.get(v);
    if (operand != null) {
      leaf.accept(Indexing.tidy(operand.at(index)));
      return;
    }
    switch (v.op()) {
      case Op.Iota _ -> leaf.accept(index.getFirst());
      case Op.View view -> addresses(view.x(), code.indexing.through(view, index), false, leaf);
      case Op.Gather g -> gather(g, index, leaf);
      case Op.TakeAlong t -> {
        int axis = t.x().type().shape().axis(t.axis());
        addresses(t.indices(), index, false, leaf);
        index.forEach(leaf);
        var inner = new ArrayList<>(index);
        inner.set(axis, code.indexing.opaque());
        addresses(t.x(), List.copyOf(inner), false, leaf);
      }
      case Op.Reduction r -> {
        var inner = new ArrayList<Dim>();
        int kept = 0;
        for (int i = 0; i < r.x().type().rank(); i++) {
          inner.add(r.axes().contains(i) ? code.indexing.counter(r.x().type().dim(i))
              : index.get(r.keep() ? i : kept++));
        }
        addresses(r.x(), List.copyOf(inner), false, leaf);
      }
      case Op.MatMul m -> matmul(m, index, leaf);
      default -> OpSchema.operands(v.op()).forEach(
          x -> addresses(x, Indexing.broadcast(index, x.type().shape()), false, leaf));
    }
  }

  private void gather(Op.Gather g, List<Dim> index, Consumer<Dim> leaf) {
    int rank = g.indices().type().rank();
    var which = List.copyOf(index.subList(g.axis(), g.axis() + rank));
    addresses(g.indices(), which, false, leaf);
    // Where the index moves, what it points to may be anywhere: as good as an unknown stride.
    for (Dim d : which) {
      for (String symbol : d.symbols()) {
        leaf.accept(Dim.symbol(symbol).times(Dim.symbol(symbol)));
      }
    }
    var inner = new ArrayList<>(index.subList(0, g.axis()));
    inner.add(code.indexing.opaque());
    inner.addAll(index.subList(g.axis() + rank, index.size()));
    addresses(g.x(), List.copyOf(inner), false, leaf);
  }

  private void matmul(Op.MatMul m, List<Dim> index, Consumer<Dim> leaf) {
    Dim k = code.indexing.counter(m.a().type().dim(-1));
    addresses(m.a(), Indexing.left(m, index, k), false, leaf);
    addresses(m.b(), Indexing.right(m, index, k), false, leaf);
  }
}
