package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Operand;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DimRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// What all functions of one kernel know: which values have memory, the program's symbols, the kernel's buffers.
record KernelScope(Map<Value, Operand> memory, SequencedMap<String, DimRange> symbols, List<Integer> buffers) {
  /// Parameters that say how the work is shared, behind the context.
  private static final List<String> SHARING = List.of("ptr claims", "i64 thread", "i64 threads");

  /// What every function of the kernel is given, those that it calls too: its buffers `b0, b1, …`, `dims` and `fault`.
  List<String> context() {
    var list = new ArrayList<String>();
    for (int i = 0; i < buffers.size(); i++) {
      list.add("ptr b" + i);
    }
    list.addAll(List.of("ptr dims", "ptr fault"));
    return list;
  }

  /// Opens the kernel's own function.
  Fn function(ModuleText module, String name) {
    var parameters = new ArrayList<>(context());
    parameters.addAll(SHARING);
    return module.function(name, "void", parameters.toArray(String[]::new));
  }

  KernelCode code(Fn f) {
    return new KernelCode(f, memory, symbols, buffers);
  }
}
