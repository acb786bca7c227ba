package dev.deepstack.cli.bench;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.Epilogue;
import dev.deepstack.codegen.llvm.Fn;
import dev.deepstack.codegen.llvm.LinearKernel;
import dev.deepstack.codegen.llvm.LinearSpec;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.codegen.llvm.ModuleText;
import dev.deepstack.codegen.llvm.Vec;
import dev.deepstack.program.code.NativeCode;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The machine code that is measured: two probes of the machine's limits, and the product of rows
/// with a 4096 x 4096 matrix as the compiler generates it.
final class BenchCode implements AutoCloseable {
  static final int SIZE = 4096;
  /// Rows and columns of the tiles of 8-bit floats.
  private static final int TILE = 128;

  private static final int STREAMS = 2;
  private static final int AHEAD = 2048;

  private static final int SCALES_PARAMETER = 4;

  private final Arena arena = Arena.ofShared();
  private final NativeCode code;
  private final MethodHandle read;
  private final MethodHandle multiply;
  private final Map<String, Product> products = new LinkedHashMap<>();

  BenchCode(LlvmCompiler compiler, CpuTarget cpu) {
    var module = new ModuleText(cpu);
    read(module);
    multiply(module);
    var specs = new ArrayList<LinearSpec>();
    for (DType dtype : List.of(DType.F32, DType.BF16)) {
      specs.add(LinearSpec.plain(dtype.text(), dtype, SIZE, SIZE));
    }
    specs.add(LinearSpec.plain("bf16_pairs", DType.BF16, SIZE, SIZE).with(true));
    specs.add(new LinearSpec("f8e4m3", DType.F8E4M3, null, new LinearSpec.Tiles(TILE, TILE, SIZE / TILE), SIZE, SIZE,
        LinearSpec.Rows.ALL, false, List.of("ptr out", "i64 outStride")));
    for (BlockFormat format : BlockFormat.values()) {
      specs.add(new LinearSpec(format.name().toLowerCase(Locale.ROOT), DType.U8, format, SIZE, SIZE,
          LinearSpec.Rows.ALL, List.of("ptr out", "i64 outStride")));
    }
    specs.forEach(spec -> LinearKernel.emit(module, spec, Epilogue.plain()));
    code = NativeCode.load(compiler.compile(module.text(), cpu));
    read = bind("read", ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
    multiply = bind("multiply", ValueLayout.JAVA_LONG, ValueLayout.ADDRESS);
    specs.forEach(spec -> products.put(spec.name(), new Product(bindLinear(spec), LinearKernel.rowStride(spec),
        LinearKernel.layout(spec, cpu).bytes())));
  }

  /// Reads `bytes` bytes, a multiple of 16 KiB, in two streams.
  void read(MemorySegment memory, long bytes, MemorySegment sink) throws Throwable {
    read.invokeExact(memory, bytes, sink);
  }

  /// `rounds` rounds of independent multiply-adds of whole vectors, in registers.
  void multiply(long rounds, MemorySegment sink) throws Throwable {
    multiply.invokeExact(rounds, sink);
  }

  /// Floating-point operations of one round of [#multiply].
  static long multiplyFlop(CpuTarget cpu) {
    return 2L * sums(cpu) * cpu.lanes();
  }

  /// As many sums as hide the latency and fit the registers.
  private static int sums(CpuTarget cpu) {
    return cpu.vectorBits() == 512 ? 16 : 12;
  }

  /// A product with weights of one storage format.
  ///
  /// @param xStride from row to row of x, as the kernel counts
  /// @param bytes of the packed matrix
  record Product(MethodHandle kernel, long xStride, long bytes) {
    /// This thread's share of `rows` rows times a packed matrix.
    void run(MemorySegment x, MemorySegment weights, long rows, MemorySegment out, long thread, long threads)
        throws Throwable {
      kernel.invokeExact(x, xStride, weights, rows, out, (long) SIZE, MemorySegment.NULL, thread, threads);
    }
  }

  /// The products by the name of their storage format.
  Map<String, Product> products() {
    return products;
  }

  private MethodHandle bindLinear(LinearSpec spec) {
    var parameters = new ArrayList<ValueLayout>(List.of(ValueLayout.ADDRESS, ValueLayout.JAVA_LONG,
        ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.ADDRESS,
        ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    if (spec.tiles() == null) {
      return bind(spec.name(), parameters.toArray(ValueLayout[]::new));
    }
    parameters.add(SCALES_PARAMETER, ValueLayout.ADDRESS);
    MemorySegment scales = arena.allocate(ValueLayout.JAVA_FLOAT, (long) (SIZE / TILE) * (SIZE / TILE));
    return MethodHandles.insertArguments(bind(spec.name(), parameters.toArray(ValueLayout[]::new)), SCALES_PARAMETER,
        scales);
  }

  private MethodHandle bind(String name, ValueLayout... parameters) {
    return Linker.nativeLinker()
        .downcallHandle(code.symbol(name), FunctionDescriptor.ofVoid(parameters));
  }

  static void read(ModuleText module) {
    var f = module.function("read", "void", "ptr memory", "i64 bytes", "ptr sink");
    int lanes = 2 * module.lanes(); // two cache lines or one per load of each stream
    var type = Fn.vector("i32", lanes);
    var part = f.div("%bytes", STREAMS);
    var zero = Vec.zero(f, "i32", lanes);
    var found =
        f.loop(
            "0",
            part,
            lanes * 4L,
            Collections.nCopies(STREAMS, zero),
            (offset, before) -> {
              var after = new ArrayList<String>();
              for (int s = 0; s < STREAMS; s++) {
                var at = f.at("%memory", "i8", f.add(f.mul(part, s), offset));
                for (int line = 0; line < lanes * 4; line += 64) {
                  f.prefetch(f.byteAt(at, AHEAD + line), 2);
                }
                after.add(f.binary("or", before.get(s), f.load(type, at, 64)));
              }
              return after;
            });
    f.store(found.stream().reduce((a, b) -> f.binary("or", a, b)).orElseThrow(), "%sink", 4);
    f.end();
  }

  static void multiply(ModuleText module) {
    var f = module.function("multiply", "void", "i64 rounds", "ptr sink");
    int lanes = module.lanes();
    var factor = f.load(Fn.vector("float", lanes), "%sink");
    var first = new ArrayList<String>();
    for (int i = 0; i < sums(module.cpu()); i++) {
      first.add(f.fadd(factor, Integer.toString(i) + ".0"));
    }
    var last =
        f.loop(
            "0",
            "%rounds",
            1,
            first,
            (_, sums) -> sums.stream().map(s -> f.fma(s, factor, factor)).toList());
    f.store(sum(f, last), "%sink");
    f.end();
  }

  private static String sum(Fn f, List<String> values) {
    return values.stream().reduce(f::fadd).orElseThrow();
  }

  @Override
  public void close() {
    code.close();
    arena.close();
  }
}
