package dev.deepstack.codegen.llvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.StepMemory;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/// Matrix kernels against sums in double, on sizes around every edge of the tiling.
class LinearKernelTest {
  private static final float UNTOUCHED = -77;

  private static final long[][] SIZES = {
    {1, 1}, {1, 7}, {15, 2}, {16, 16}, {17, 33}, {31, 64}, {33, 255}, {8, 257}, {97, 131}, {160, 600}, {290, 40}
  };

  static Stream<Arguments> targets() {
    return Stream.of(DType.F32, DType.BF16, DType.F16, DType.F8E4M3)
        .flatMap(
            d -> Stream.of(CpuTarget.avx2(), CpuTarget.avx512()).map(cpu -> Arguments.of(d, cpu)));
  }

  @ParameterizedTest
  @MethodSource("targets")
  void equalsTheDefinition(DType dtype, CpuTarget cpu) {
    equalsTheDefinition(dtype, cpu, false);
  }

  @ParameterizedTest
  @MethodSource("targets")
  void equalsTheDefinitionOnRowsThatBf16CanSay(DType dtype, CpuTarget cpu) {
    equalsTheDefinition(dtype, cpu, true);
  }

  private static void equalsTheDefinition(DType dtype, CpuTarget cpu, boolean bf16) {
    long[] fewRows = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 13, 16, 17};
    var module = new ModuleText(cpu);
    for (long[] s : SIZES) {
      LinearKernel.emit(
          module, LinearSpec.plain("mm" + s[0] + "_" + s[1], dtype, s[0], s[1]).with(bf16), Epilogue.plain());
    }
    try (var code = Compiled.of(module)) {
      for (long[] s : SIZES) {
        for (long m : s[0] >= 160 ? new long[] {1, 127, 128, 129, 200} : fewRows) {
          var data = new Case(dtype, cpu, m, s[0], s[1], bf16);
          for (int threads = 1; threads <= 3; threads++) {
            data.check(code, "mm" + s[0] + "_" + s[1], threads, MemorySegment.NULL);
            // Who comes first claims everything, and the others find nothing left.
            var claims = Arena.ofAuto().allocate((long) StepMemory.LINE_BYTES * threads, 64);
            data.check(code, "mm" + s[0] + "_" + s[1], threads, claims);
          }
        }
      }
    }
  }

  static Stream<CpuTarget> cpus() {
    return Stream.of(CpuTarget.avx2(), CpuTarget.avx512());
  }

  /// Every code of an 8-bit float, in tiles with scales of their own; where a weight is not a number, its row of sums
  /// is not either.
  @ParameterizedTest
  @MethodSource("cpus")
  void scalesTilesOfEveryCode(CpuTarget cpu) {
    int n = 40;
    int k = 300;
    var module = new ModuleText(cpu);
    LinearKernel.emit(module, new LinearSpec("tiles", DType.F8E4M3, null, new LinearSpec.Tiles(16, 64, 5), n, k,
        Rows.ALL, false, List.of("ptr out", "i64 outStride")), Epilogue.plain());
    try (var code = Compiled.of(module); var arena = Arena.ofConfined()) {
      var stored = HostTensor.allocate(arena, DType.F8E4M3, n, k);
      for (int i = 0; i < n * k; i++) {
        int number = i * 7 % 256;
        stored.data().set(ValueLayout.JAVA_BYTE, i, (byte) (number % 128 == 127 && i / k != 33 ? 1 : number));
      }
      float[] scales = new float[3 * 5];
      for (int i = 0; i < scales.length; i++) {
        scales[i] = (i + 1) * 0.37f;
      }
      var packing = new Packing(DType.F8E4M3, n, k, cpu.lanes());
      var packed = arena.allocate(packing.bytes(), 64);
      packing.pack(stored.data(), k, 1, packed);
      for (long m : new long[] {1, 2, 9}) {
        var x = arena.allocate(m * k * 4);
        for (int i = 0; i < m * k; i++) {
          x.setAtIndex(ValueLayout.JAVA_FLOAT, i, (i * 37 % 101 - 50) / 16f);
        }
        var out = arena.allocate(m * n * 4);
        code.call("tiles", x, (long) k, packed, m, arena.allocateFrom(ValueLayout.JAVA_FLOAT, scales), out, (long) n,
            MemorySegment.NULL, 0L, 1L);
        for (int i = 0; i < m * n; i++) {
          double wanted = 0;
          double size = 0;
          for (int j = 0; j < k; j++) {
            double term = x.getAtIndex(ValueLayout.JAVA_FLOAT, (long) (i / n) * k + j)
                * stored.getDouble((long) (i % n) * k + j) * scales[i % n / 16 * 5 + j / 64];
            wanted += term;
            size += Math.abs(term);
          }
          double got = out.getAtIndex(ValueLayout.JAVA_FLOAT, i);
          if (Double.isNaN(wanted)) {
            assertThat(got).isNaN();
          } else {
            assertThat(got).isBetween(wanted - 1e-5 * size, wanted + 1e-5 * size);
          }
        }
      }
    }
  }

  @ParameterizedTest
  @MethodSource("targets")
  void takesListedRowsAndFusesAnEpilogue(DType dtype, CpuTarget cpu) {
    var module = new ModuleText(cpu);
    Epilogue biased =
        (f, results, row, column, lanes) -> {
          var bias = f.load(Fn.vector("float", lanes), f.at("%bias", "float", column));
          f.store(f.fadd(results, bias), f.at("%out", "float", f.add(f.mul(row, 37), column)));
        };
    var context = List.of("ptr bias", "ptr out");
    LinearKernel.emit(
        module, new LinearSpec("narrow", dtype, 37, 50, Rows.LISTED_I32, context), biased);
    LinearKernel.emit(
        module, new LinearSpec("wide", dtype, 37, 50, Rows.LISTED_I64, context), biased);
    try (var code = Compiled.of(module);
        var arena = Arena.ofConfined()) {
      for (int m : new int[] {1, 3, 20}) {
        var data = new Case(dtype, cpu, 40, 37, 50, false);
        var bias = arena.allocate(37 * 4);
        for (int j = 0; j < 37; j++) {
          bias.setAtIndex(ValueLayout.JAVA_FLOAT, j, j);
        }
        var list32 = arena.allocate(m * 4L, 8);
        var list64 = arena.allocate(m * 8L, 8);
        for (int i = 0; i < m; i++) {
          list32.setAtIndex(ValueLayout.JAVA_INT, i, (i * 7 + 3) % 40);
          list64.setAtIndex(ValueLayout.JAVA_LONG, i, (i * 7 + 3) % 40);
        }
        var out = arena.allocate(m * 37L * 4);
        for (var variant : List.of("narrow", "wide")) {
          out.fill((byte) 0);
          var list = variant.equals("narrow") ? list32 : list64;
          code.call(variant, data.x, data.stride(), data.packed, (long) m, list, bias, out, MemorySegment.NULL, 0L, 1L);
          for (int i = 0; i < m; i++) {
            for (int j = 0; j < 37; j++) {
              double wanted = data.exact((i * 7 + 3) % 40, j) + j;
              assertThat((double) out.getAtIndex(ValueLayout.JAVA_FLOAT, i * 37L + j))
                  .isBetween(wanted - 1e-4, wanted + 1e-4);
            }
          }
        }
      }
    }
  }

  /// Random operands of one product. Memory around the operands is not ours and would fault or
  /// show up in the result.
  private static final class Case {
    final long m;
    final long n;
    final long k;
    final double[] weights;
    final MemorySegment x;
    final MemorySegment packed;
    final MemorySegment y;

    Case(DType dtype, CpuTarget cpu, long m, long n, long k, boolean bf16) {
      this.m = m;
      this.n = n;
      this.k = k;
      var arena = Arena.ofAuto();
      var random = new Random(m * 31 + n * 7 + k);
      weights = new double[(int) (n * k)];
      Arrays.setAll(weights, _ -> random.nextInt(-64, 65) / 32.0); // exact in all formats but the narrowest
      var stored = HostTensor.allocate(arena, dtype, n, k);
      for (int i = 0; i < weights.length; i++) {
        stored.setDouble(i, weights[i]);
        weights[i] = stored.getDouble(i);
      }
      x = arena.allocate(Math.max(1, m * stride()) * 4, 4);
      x.fill((byte) 0x7f); // what lies between rows is a NaN
      for (long i = 0; i < m; i++) {
        for (long j = 0; j < k; j++) {
          x.setAtIndex(ValueLayout.JAVA_FLOAT, i * stride() + j, bf16 ? random.nextInt(-128, 129) / 256f
              : random.nextFloat() - 0.5f);
        }
      }
      var packing = (Packing) LinearKernel.layout(LinearSpec.plain("any", dtype, n, k), cpu);
      packed = arena.allocate(packing.bytes(), 64);
      packed.fill((byte) 0x7f);
      packing.pack(stored.data(), k, 1, packed);
      y = arena.allocate(Math.max(1, m * (n + 3)) * 4, 4);
    }

    long stride() {
      return k + 5;
    }

    double exact(long row, long column) {
      double sum = 0;
      for (long j = 0; j < k; j++) {
        sum +=
            x.getAtIndex(ValueLayout.JAVA_FLOAT, row * stride() + j)
                * weights[(int) (column * k + j)];
      }
      return sum;
    }

    void check(Compiled code, String name, int threads, MemorySegment claims) {
      for (long i = 0; i < m * (n + 3); i++) {
        y.setAtIndex(ValueLayout.JAVA_FLOAT, i, UNTOUCHED);
      }
      for (long thread = 0; thread < threads; thread++) {
        code.call(name, x, stride(), packed, m, y, n + 3, claims, thread, (long) threads);
      }
      for (long i = 0; i < m; i++) {
        for (long j = 0; j < n + 3; j++) {
          double wanted = j < n ? exact(i, j) : UNTOUCHED;
          double got = y.getAtIndex(ValueLayout.JAVA_FLOAT, i * (n + 3) + j);
          if (!(Math.abs(got - wanted) <= 1e-4 * Math.max(1, Math.sqrt(k)))) {
            assertThat(got)
                .as("%s m=%d threads=%d [%d, %d]", name, m, threads, i, j)
                .isEqualTo(wanted);
          }
        }
      }
    }
  }
}
