package dev.deepstack.runtime;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.deepstack.program.Program;
import dev.deepstack.program.code.NativeCode;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.MalformedModelException;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// One program of an executable with its code in place. A model may have several, for example one for any length and
/// one made for a single token; they share weights and states.
record Variant(Program program, NativeCode code, MethodHandle entry, List<MemorySegment> weights) {
  /// Multiply-adds of the average kernel below which its barrier costs more than a second thread brings.
  private static final long SHARED_WORK_MIN = 50_000;

  static Variant load(Program program, WeightMemory weights) {
    var code = NativeCode.load(program.object());
    try {
      if (!code.symbolNames().contains(Program.ENTRY)) {
        throw new MalformedModelException("the program's machine code has no function " + Program.ENTRY
            + "; compile the model again");
      }
      MethodHandle entry = Linker.nativeLinker().downcallHandle(code.symbol(Program.ENTRY),
          FunctionDescriptor.ofVoid(ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_LONG));
      return new Variant(program, code, entry, program.weights().stream().map(r -> weights.of(r, code)).toList());
    } catch (RuntimeException | Error e) {
      code.close();
      throw e;
    }
  }

  /// How many of the available threads a step with these symbols should use.
  int threads(Map<String, Long> symbols, int available) {
    var sizes = new HashMap<>(symbols);
    sizes.put(Program.THREADS, (long) available);
    Dim work = program.work();
    return work.evaluate(sizes) < SHARED_WORK_MIN * program.kernels().size() ? 1 : available;
  }

  void call(MemorySegment table, MemorySegment dims, MemorySegment sync, int thread, int threads) {
    try {
      entry.invokeExact(table, dims, sync, (long) thread, (long) threads);
    } catch (Throwable e) {
      throw new IllegalStateException("a generated function cannot throw", e);
    }
  }
}
