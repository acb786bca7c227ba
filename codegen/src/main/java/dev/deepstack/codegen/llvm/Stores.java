package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.llvm.Expressions.Lane;
import dev.deepstack.codegen.tile.Indexing;
import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.tensor.Dim;
import java.util.List;
import java.util.Map;

/// Writing values to operands.
final class Stores {
  private Stores() {}

  /// Stores a value (scalar, vector or literal) at an index; lanes that are not neighbours go one by one.
  static void store(KernelCode code, Operand out, List<Dim> index, String value, Lane lane) {
    Fn f = code.f;
    Dim flat = Indexing.tidy(out.at(index));
    if (lane.lanes() == 1) {
      Registers.store(f, out.dtype(), value, code.address(out, flat));
      return;
    }
    String vector = Arithmetic.spread(f, value, lane.lanes());
    Dim stride = Indexing.coefficient(flat, lane.counter());
    if (stride != null && stride.is(1)) {
      Registers.store(f, out.dtype(), vector, code.address(out, flat));
      return;
    }
    for (int l = 0; l < lane.lanes(); l++) {
      Dim at = flat.substitute(Map.of(lane.counter(), Dim.symbol(lane.counter()).plus(l)));
      Registers.store(f, out.dtype(), Vec.extract(f, vector, l), code.address(out, at));
    }
  }
}
