package dev.deepstack.cli.bench;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.codegen.llvm.ModuleText;
import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.program.code.NativeCode;
import dev.deepstack.program.code.ObjectCache;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/// How many floating-point operations in f32 this machine does when nothing waits for memory.
final class MultiplyPeak {
  private static final long STEPS = 2_000_000;
  private static final int ROUNDS = 7;

  private MultiplyPeak() {}

  /// Operations per second, a multiply-add being two: the best of some rounds.
  static double measure(int threads) {
    CpuTarget cpu = CpuTarget.host();
    var module = new ModuleText(cpu);
    BenchCode.multiply(module);
    var key = ObjectCache.Key.of(module.text(), LlvmCompiler.VERSION, cpu.name(), cpu.features());
    byte[] object = ObjectCache.open(_ -> {}).get(key, () -> LlvmCompiler.shared().compile(module.text(), cpu));
    try (var arena = Arena.ofShared(); var code = NativeCode.load(object); var together = new Together(threads)) {
      MethodHandle multiply = Linker.nativeLinker().downcallHandle(code.symbol("multiply"),
          FunctionDescriptor.ofVoid(ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
      MemorySegment sinks = LargeMemory.allocate(arena, 256L * threads);
      double best = 0;
      for (int round = 0; round < ROUNDS; round++) {
        // The sums begin with what is there, and grow: zeros stay zeros.
        sinks.fill((byte) 0);
        double seconds = together.time(t -> {
          multiply.invokeExact(STEPS, sinks.asSlice(t * 256L, 256));
        });
        best = Math.max(best, (double) threads * STEPS * BenchCode.multiplyFlop(cpu) / seconds);
      }
      return best;
    }
  }
}
