package dev.deepstack.cli.bench;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.stream.LongStream;

/// Measures what the machine can do and what the generated kernels make of it, in one run: read
/// bandwidth and multiply-add peak, matrix times vector over more memory than caches hold, matrix
/// times matrix.
///
/// Work is cut into pieces of a few milliseconds, probes and kernels alternate, and the figure of
/// a series is its 95th percentile: what the hardware does when nobody disturbs it. Medians are
/// shown beside it.
public final class KernelBench {
  private static final long BYTES = 1L << 30;
  private static final long PIECE = 64L << 20;
  private static final int GEMM_ROWS = 256;
  private static final int SIZE = BenchCode.SIZE;
  private static final long MULTIPLY_ROUNDS = 2_000_000;

  private final CpuTarget cpu;
  private final int threads;
  private final Series read = new Series();
  private final Series multiply = new Series();
  private final Series gemm = new Series();
  private final Map<DType, Series> gemv = new LinkedHashMap<>();

  private KernelBench(CpuTarget cpu, int threads) {
    this.cpu = cpu;
    this.threads = threads;
  }

  /// What one run found. Rates are 10^9 per second.
  ///
  /// @param gemv by storage format of the weights
  public record Result(
      String cpu, int threads, Rate read, Map<DType, Rate> gemv, Rate multiply, Rate gemm) {

    /// `{"read_gb_s":..,"gemv_gb_s":{"f32":..,"bf16":..},"fma_gflop_s":..,"gemm_gflop_s":{"f32":..}}`
    public Map<String, Object> json() {
      var perFormat = new LinkedHashMap<String, Object>();
      gemv.forEach((dtype, rate) -> perFormat.put(dtype.text(), round(rate.best)));
      var json = new LinkedHashMap<String, Object>();
      json.put("read_gb_s", round(read.best));
      json.put("gemv_gb_s", perFormat);
      json.put("fma_gflop_s", round(multiply.best));
      json.put("gemm_gflop_s", Map.of("f32", round(gemm.best)));
      return json;
    }

    /// A table for people, with each kernel's share of the limit that binds it.
    public String table() {
      var table = new StringBuilder();
      table.append(cpu).append(", ").append(threads).append(" threads\n");
      table.append(String.format("%-26s %12s %12s %8s%n", "", "p95", "median", "share"));
      row(table, "read bandwidth", "GB/s", read, "");
      gemv.forEach(
          (d, rate) -> row(table, "GEMV 4096x4096 " + d.text(), "GB/s", rate, share(rate, read)));
      row(table, "multiply-add peak", "GFLOP/s", multiply, "");
      row(table, "GEMM 256x4096x4096 f32", "GFLOP/s", gemm, share(gemm, multiply));
      return table.toString();
    }

    private static void row(
        StringBuilder table, String name, String unit, Rate rate, String share) {
      table.append(
          String.format(
              Locale.ROOT,
              "%-26s %9.1f %9.1f %-8s %5s%n",
              name,
              rate.best,
              rate.median,
              unit,
              share));
    }

    private static String share(Rate rate, Rate limit) {
      return Math.round(100 * rate.best / limit.best) + " %";
    }

    private static double round(double value) {
      return Math.round(value * 10) / 10.0;
    }
  }

  /// @param best 95th percentile
  public record Rate(double best, double median) {}

  /// Runs everything: some ten seconds and 1.1 GB of memory.
  public static Result run(LlvmCompiler compiler, CpuTarget cpu, int threads) {
    return new KernelBench(cpu, threads).measure(compiler, 10);
  }

  private Result measure(LlvmCompiler compiler, int passes) {
    try (var memory = Arena.ofShared();
        var code = new BenchCode(compiler, cpu);
        var together = new Together(threads)) {
      var weights = LargeMemory.allocate(memory, BYTES);
      var x = LargeMemory.allocate(memory, (long) GEMM_ROWS * SIZE * 4);
      var out = LargeMemory.allocate(memory, (long) GEMM_ROWS * SIZE * 4);
      fill(weights);
      fill(x);
      for (int pass = 0; pass < passes; pass++) {
        for (long at = 0; at < BYTES; at += PIECE) {
          // Each works far from where the one before it has been: nothing is left in a cache.
          read(code, together, weights.asSlice(at, PIECE), out);
          var f32 = weights.asSlice((at + BYTES / 4) % BYTES, PIECE);
          multiplyVector(code, together, DType.F32, x, f32, out);
          var bf16 = weights.asSlice((at + BYTES / 2) % BYTES, PIECE);
          multiplyVector(code, together, DType.BF16, x, bf16, out);
        }
        for (int i = 0; i < 3; i++) {
          multiply(code, together, out);
          var w = weights.asSlice(i * PIECE, PIECE);
          double seconds =
              together.time(t -> code.linear(DType.F32, x, w, GEMM_ROWS, out, t, threads));
          gemm.add(2.0 * GEMM_ROWS * SIZE * SIZE / seconds);
        }
      }
    }
    var rates = new LinkedHashMap<DType, Rate>();
    gemv.forEach((dtype, series) -> rates.put(dtype, series.rate()));
    var name = cpu.name() + " (" + cpu.vectorBits() + "-bit vectors)";
    return new Result(name, threads, read.rate(), rates, multiply.rate(), gemm.rate());
  }

  private void read(BenchCode code, Together together, MemorySegment piece, MemorySegment sink) {
    long part = piece.byteSize() / threads & -(16L << 10);
    double seconds =
        together.time(
            t -> code.read(piece.asSlice(t * part, part), part, sink.asSlice(t * 256L, 256)));
    read.add(part * threads / seconds);
  }

  private void multiplyVector(
      BenchCode code,
      Together together,
      DType dtype,
      MemorySegment x,
      MemorySegment weights,
      MemorySegment out) {
    long matrix = (long) SIZE * SIZE * dtype.bytes();
    double seconds =
        together.time(
            t -> {
              for (long at = 0; at < PIECE; at += matrix) {
                code.linear(dtype, x, weights.asSlice(at, matrix), 1, out, t, threads);
              }
            });
    gemv.computeIfAbsent(dtype, _ -> new Series()).add(weights.byteSize() / seconds);
  }

  private void multiply(BenchCode code, Together together, MemorySegment sink) {
    sink.asSlice(0, 4096).fill((byte) 0);
    double seconds =
        together.time(t -> code.multiply(MULTIPLY_ROUNDS, sink.asSlice(t * 256L, 256)));
    multiply.add((double) threads * MULTIPLY_ROUNDS * BenchCode.multiplyFlop(cpu) / seconds);
  }

  /// Small normal numbers, whether read as f32 or as pairs of bf16: arithmetic on denormal or
  /// infinite values is no measure.
  private static void fill(MemorySegment memory) {
    long words = memory.byteSize() / 4;
    LongStream.range(0, words / 1024)
        .parallel()
        .forEach(
            block -> {
              for (long i = block * 1024; i < (block + 1) * 1024; i++) {
                int noise = (int) (i * 0x9E3779B9L) & 0x807f007f;
                memory.setAtIndex(ValueLayout.JAVA_INT, i, 0x3c003c00 | noise);
              }
            });
  }
}
