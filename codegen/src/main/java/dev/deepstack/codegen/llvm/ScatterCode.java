package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.Expressions.Lane;
import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.ir.Op;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.List;

/// Writes slices or elements where indices say. Duplicates must be taken in order, so threads share out the last axis,
/// which no index moves, or leave the work to the first thread.
final class ScatterCode {
  private final KernelCode code;
  private final Fn f;
  private final Kernel.Scatter kernel;

  ScatterCode(KernelCode code, Kernel.Scatter kernel) {
    this.code = code;
    this.kernel = kernel;
    f = code.f;
  }

  void emit() {
    int rank = kernel.source().type().rank();
    int first = kernel.axis();
    int last = first + (kernel.along() ? 1 : kernel.indices().shape().rank());
    boolean sharesColumns = !kernel.along() && last < rank;
    if (sharesColumns) {
      nest(new ArrayList<>(), rank - 1, true);
    } else {
      f.when(f.icmp("eq", "%thread", "0"), () -> nest(new ArrayList<>(), rank, false));
    }
  }

  /// Loops over the axes of the source up to `end`, then stores.
  private void nest(List<Dim> index, int end, boolean columns) {
    if (index.size() == end) {
      if (columns) {
        columns(index);
      } else {
        store(new Expressions(code), index, target(index), Lane.SCALAR);
      }
      return;
    }
    code.loop(kernel.source().type().dim(index.size()), counter -> {
      var next = new ArrayList<>(index);
      next.add(counter);
      nest(next, end, columns);
    });
  }

  private void columns(List<Dim> index) {
    Dim extent = kernel.source().type().dim(index.size());
    Dim counter = code.indexing.counter(extent);
    var full = new ArrayList<>(index);
    full.add(counter);
    String[] share = code.share(code.index(extent));
    Dim row = row(full);
    var expressions = new Expressions(code);
    expressions.hoist(kernel.source(), List.copyOf(full), Indexing.name(counter), false);
    Vec.over(f, share[0], share[1], code.lanes, (i, lanes) -> {
      var lane = lanes == 1 ? Lane.SCALAR : new Lane(Indexing.name(counter), lanes);
      code.bind(counter, i);
      expressions.scoped(() -> store(expressions, full, target(full, row), lane));
    });
  }

  /// The run-time index that the source's index selects.
  private Dim row(List<Dim> index) {
    var which = kernel.along() ? index
        : index.subList(kernel.axis(), kernel.axis() + kernel.indices().shape().rank());
    String value = Registers.load(f, kernel.indices().dtype(),
        code.address(kernel.indices(), kernel.indices().at(which)), 1);
    return code.named(code.checked(value, kernel.out().shape().dim(kernel.axis())));
  }

  private List<Dim> target(List<Dim> index) {
    return target(index, row(index));
  }

  private List<Dim> target(List<Dim> index, Dim row) {
    int taken = kernel.along() ? 1 : kernel.indices().shape().rank();
    var target = new ArrayList<>(index.subList(0, kernel.axis()));
    target.add(row);
    target.addAll(index.subList(kernel.axis() + taken, index.size()));
    return target;
  }

  private void store(Expressions expressions, List<Dim> index, List<Dim> target, Lane lane) {
    var dtype = kernel.out().dtype();
    String value = expressions.at(kernel.source(), List.copyOf(index), lane);
    if (kernel.combine() != Op.Combine.SET) {
      String old = Registers.load(f, dtype, code.address(kernel.out(), kernel.out().at(target)), lane.lanes());
      value = Registers.round(f, dtype, combined(dtype, old, Arithmetic.spread(f, value, lane.lanes())));
    }
    Stores.store(code, kernel.out(), target, value, lane);
  }

  private String combined(DType dtype, String old, String value) {
    boolean real = dtype.isFloat();
    String order = dtype.isUnsigned() || dtype.isBool() ? "llvm.u" : "llvm.s";
    return switch (kernel.combine()) {
      case SET -> value;
      case ADD -> real ? f.fadd(old, value) : dtype.isBool() ? f.binary("or", old, value) : f.add(old, value);
      case MUL -> real ? f.fmul(old, value) : dtype.isBool() ? f.binary("and", old, value) : f.mul(old, value);
      case MAX -> real ? f.fmax(old, value) : f.intrinsic(order + "max", f.type(old), old, value);
      case MIN -> real ? f.fmin(old, value) : f.intrinsic(order + "min", f.type(old), old, value);
    };
  }
}
