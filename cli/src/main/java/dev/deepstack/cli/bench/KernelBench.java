package dev.deepstack.cli.bench;

import dev.deepstack.cli.bench.BenchCode.Product;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCompiler;
import dev.deepstack.program.code.LargeMemory;
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
/// shown beside it. The share is the median of each piece's share of the probe right before it,
/// which holds also where memory changes its speed during a run.
public final class KernelBench {
  private static final long BYTES = 1L << 30;
  private static final long PIECE = 64L << 20;
  private static final int PASSES = 25;
  private static final int GEMM_ROWS = 256;
  private static final int SIZE = BenchCode.SIZE;
  private static final long MULTIPLY_ROUNDS = 2_000_000;

  private final CpuTarget cpu;
  private final int threads;
  private final Series read = new Series();
  private final Series multiply = new Series();
  private final Map<String, Series> gemm = new LinkedHashMap<>();
  private final Map<String, Series> gemv = new LinkedHashMap<>();

  private KernelBench(CpuTarget cpu, int threads) {
    this.cpu = cpu;
    this.threads = threads;
  }

  /// What one run found. Rates are 10^9 per second.
  ///
  /// @param gemv by storage format of the weights
  /// @param gemm by storage format; weights in blocks are multiplied in 8-bit integers
  public record Result(
      String cpu, int threads, Rate read, Map<String, Rate> gemv, Rate multiply, Map<String, Rate> gemm) {

    /// `{"read_gb_s":..,"gemv_gb_s":{"f32":..,"bf16":..},"fma_gflop_s":..,"gemm_gflop_s":{"f32":..},
    /// "gemv_share":{"f32":..},"gemm_share":{"f32":..}}`
    public Map<String, Object> json() {
      var json = new LinkedHashMap<String, Object>();
      json.put("read_gb_s", round(read.best));
      json.put("gemv_gb_s", rounded(gemv));
      json.put("fma_gflop_s", round(multiply.best));
      json.put("gemm_gflop_s", rounded(gemm));
      json.put("gemv_share", shares(gemv));
      json.put("gemm_share", shares(gemm));
      return json;
    }

    private static Map<String, Object> rounded(Map<String, Rate> rates) {
      var rounded = new LinkedHashMap<String, Object>();
      rates.forEach((format, rate) -> rounded.put(format, round(rate.best)));
      return rounded;
    }

    private static Map<String, Object> shares(Map<String, Rate> rates) {
      var shares = new LinkedHashMap<String, Object>();
      rates.forEach((format, rate) -> shares.put(format, Math.round(100 * rate.share) / 100.0));
      return shares;
    }

    /// A table for people, with each kernel's share of the limit that binds it.
    public String table() {
      var table = new StringBuilder();
      table.append(cpu).append(", ").append(threads).append(" threads\n");
      table.append(String.format("%-28s %12s %12s %8s%n", "", "p95", "median", "share"));
      row(table, "read bandwidth", "GB/s", read, "");
      gemv.forEach(
          (format, rate) -> row(table, "GEMV 4096x4096 " + format, "GB/s", rate, share(rate)));
      row(table, "multiply-add peak, f32", "GFLOP/s", multiply, "");
      gemm.forEach((format, rate) -> row(
          table, "GEMM 256x4096x4096 " + format, "GFLOP/s", rate, share(rate)));
      return table.toString();
    }

    private static void row(
        StringBuilder table, String name, String unit, Rate rate, String share) {
      table.append(
          String.format(
              Locale.ROOT,
              "%-28s %9.1f %9.1f %-8s %5s%n",
              name,
              rate.best,
              rate.median,
              unit,
              share));
    }

    private static String share(Rate rate) {
      return Math.round(100 * rate.share) + " %";
    }

    private static double round(double value) {
      return Math.round(value * 10) / 10.0;
    }
  }

  /// @param best 95th percentile
  /// @param share median of the shares of the limit that was measured right before; 1 for a limit
  public record Rate(double best, double median, double share) {}

  /// Runs everything: about half a minute and 1.1 GB of memory.
  public static Result run(LlvmCompiler compiler, CpuTarget cpu, int threads) {
    return new KernelBench(cpu, threads).measure(compiler, PASSES);
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
        long at = 0;
        for (var product : code.products().entrySet()) {
          // Each works far from where the one before it has been: nothing is left in a cache.
          double limit = read(code, together, weights.asSlice(at, PIECE), out);
          at = (at + 5 * PIECE) % BYTES;
          multiplyVector(together, product, x, weights.asSlice(at, PIECE), out, limit);
          at = (at + 5 * PIECE) % BYTES;
        }
        for (var product : code.products().entrySet()) {
          double limit = multiply(code, together, out);
          multiplyRows(together, product, x, weights.asSlice(0, PIECE), out, limit);
        }
      }
    }
    var name = cpu.name() + " (" + cpu.vectorBits() + "-bit vectors)";
    return new Result(name, threads, read.rate(), rates(gemv), multiply.rate(), rates(gemm));
  }

  private static Map<String, Rate> rates(Map<String, Series> series) {
    var rates = new LinkedHashMap<String, Rate>();
    series.forEach((format, all) -> rates.put(format, all.rate()));
    return rates;
  }

  private void multiplyRows(Together together, Map.Entry<String, Product> product, MemorySegment x,
      MemorySegment weights, MemorySegment out, double limit) {
    double seconds = together.time(t -> product.getValue().run(x, weights, GEMM_ROWS, out, t, threads));
    gemm.computeIfAbsent(product.getKey(), _ -> new Series()).add(2.0 * GEMM_ROWS * SIZE * SIZE / seconds, limit);
  }

  private double read(BenchCode code, Together together, MemorySegment piece, MemorySegment sink) {
    long part = piece.byteSize() / threads & -(16L << 10);
    double seconds =
        together.time(
            t -> code.read(piece.asSlice(t * part, part), part, sink.asSlice(t * 256L, 256)));
    return read.add(part * threads / seconds);
  }

  private void multiplyVector(Together together, Map.Entry<String, Product> product, MemorySegment x,
      MemorySegment weights, MemorySegment out, double limit) {
    long matrix = product.getValue().bytes();
    long count = PIECE / matrix;
    double seconds = together.time(t -> {
      for (long i = 0; i < count; i++) {
        product.getValue().run(x, weights.asSlice(i * matrix, matrix), 1, out, t, threads);
      }
    });
    gemv.computeIfAbsent(product.getKey(), _ -> new Series()).add(count * matrix / seconds, limit);
  }

  private double multiply(BenchCode code, Together together, MemorySegment sink) {
    sink.asSlice(0, 4096).fill((byte) 0);
    double seconds =
        together.time(t -> code.multiply(MULTIPLY_ROUNDS, sink.asSlice(t * 256L, 256)));
    return multiply.add((double) threads * MULTIPLY_ROUNDS * BenchCode.multiplyFlop(cpu) / seconds);
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
