package dev.deepstack.cli.bench;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.codegen.llvm.ModuleText;
import dev.deepstack.program.code.CpuFeatures;
import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.program.code.NativeCode;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;

/// How fast this machine reads memory, measured once and remembered for an hour: what decode speed is compared with.
public final class ReadBandwidth {
  private static final long BYTES = 512L << 20;
  private static final int ROUNDS = 7;
  private static final long VALID_MS = 60 * 60 * 1000;

  private ReadBandwidth() {}

  /// Bytes per second with this many threads, from the note of an earlier measurement if there is one.
  public static double remembered(int threads) {
    Path note = ObjectCache.defaultFolder(System.getenv()).resolve("read-bandwidth-" + threads + ".txt");
    String machine = CpuFeatures.host().name();
    try {
      // Virtual machines change their neighbours: what was measured yesterday says little.
      long ageMs = System.currentTimeMillis() - Files.getLastModifiedTime(note).toMillis();
      var lines = Files.readAllLines(note);
      if (ageMs < VALID_MS && lines.size() == 2 && lines.get(0).equals(machine)) {
        return Double.parseDouble(lines.get(1));
      }
    } catch (IOException | NumberFormatException _) {
      // Not measured yet, or not readable: measured below.
    }
    double measured = measure(threads);
    try {
      Files.createDirectories(note.getParent());
      Files.writeString(note, machine + "\n" + String.format(Locale.ROOT, "%.0f", measured) + "\n");
    } catch (IOException _) {
      // Measured again next time.
    }
    return measured;
  }

  /// The best of a few passes over half a gigabyte; without LLVM by a loop in Java, which comes close.
  public static double measure(int threads) {
    try (var probe = probe(threads, BYTES)) {
      return probe.measure(ROUNDS);
    }
  }

  /// For measuring again and again with no time lost in between.
  interface Probe extends AutoCloseable {
    /// Bytes per second: the best of `rounds` passes over the memory.
    double measure(int rounds);

    @Override
    void close();
  }

  /// @param bytes of memory that are read in a pass
  static Probe probe(int threads, long bytes) {
    try {
      return new Generated(threads, bytes);
    } catch (UnsupportedModelException | LinkageError _) {
      return new Plain(threads, bytes);
    }
  }

  private record Plain(int threads, long bytes) implements Probe {
    @Override
    public double measure(int rounds) {
      return PlainRead.measure(threads, bytes, rounds);
    }

    @Override
    public void close() {}
  }

  private static final class Generated implements Probe {
    private final Arena arena = Arena.ofShared();
    private final NativeCode code;
    private final MethodHandle read;
    private final MemorySegment memory;
    private final MemorySegment sinks;
    private final int threads;

    Generated(int threads, long bytes) {
      CpuTarget cpu = CpuTarget.host();
      var module = new ModuleText(cpu);
      BenchCode.read(module);
      var key = ObjectCache.Key.of(module.text(), LlvmCompiler.VERSION, cpu.name(), cpu.features());
      byte[] object = ObjectCache.open(_ -> {}).get(key, () -> LlvmCompiler.shared().compile(module.text(), cpu));
      code = NativeCode.load(object);
      read = Linker.nativeLinker().downcallHandle(code.symbol("read"),
          FunctionDescriptor.ofVoid(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS));
      memory = LargeMemory.allocate(arena, bytes);
      sinks = LargeMemory.allocate(arena, 256L * threads);
      memory.fill((byte) 1);
      this.threads = threads;
    }

    @Override
    public double measure(int rounds) {
      long part = memory.byteSize() / threads & -(16L << 10);
      double best = 0;
      try (var together = new Together(threads)) {
        for (int round = 0; round < rounds; round++) {
          // A block, since invokeExact as an expression would be asked for a result.
          double seconds = together.time(t -> {
            read.invokeExact(memory.asSlice(t * part, part), part, sinks.asSlice(t * 256L, 256));
          });
          best = Math.max(best, part * threads / seconds);
        }
      }
      return best;
    }

    @Override
    public void close() {
      code.close();
      arena.close();
    }
  }
}
