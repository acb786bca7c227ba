package dev.deepstack.codegen.llvm;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.codegen.llvm.LinearSpec.Rows;
import dev.deepstack.codegen.tile.Int8Rows;
import dev.deepstack.program.weight.BlockPacking;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.program.StepMemory;
import dev.deepstack.tensor.DType;
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

/// Products with block weights against sums in double over what the blocks and codes stand for.
class BlockLinearTest {
  private static final float UNTOUCHED = -77;

  static Stream<Arguments> targets() {
    return Arrays.stream(BlockFormat.values()).flatMap(
        d -> Stream.of(CpuTarget.avx2(), CpuTarget.avx512()).map(cpu -> Arguments.of(d, cpu)));
  }

  @ParameterizedTest
  @MethodSource("targets")
  void equalsTheDefinition(BlockFormat format, CpuTarget cpu) {
    long[][] sizes = {{1, 1}, {15, 2}, {16, 3}, {17, 4}, {33, 5}, {160, 9}, {290, 2}};
    long[] fewRows = {0, 1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 19};
    var module = new ModuleText(cpu);
    for (long[] s : sizes) {
      LinearKernel.emit(module, new LinearSpec(name(s), DType.U8, format, s[0], s[1] * format.weights(), Rows.ALL,
          List.of("ptr out", "i64 outStride")), Epilogue.plain());
    }
    PackCode.blocks(module, format);
    try (var code = Compiled.of(module)) {
      for (long[] s : sizes) {
        new Case(format, cpu, 1, s[0], s[1] * format.weights()).packs(code);
        for (long m : s[0] >= 160 ? new long[] {1, 131, 133, 150} : fewRows) {
          var data = new Case(format, cpu, m, s[0], s[1] * format.weights());
          for (int threads = 1; threads <= 2; threads++) {
            data.check(code, name(s), threads, MemorySegment.NULL);
            // Who comes first claims everything, and the others find nothing left.
            data.check(code, name(s), threads, Arena.ofAuto().allocate((long) StepMemory.LINE_BYTES * threads, 64));
          }
        }
      }
    }
  }

  private static String name(long[] size) {
    return "mm" + size[0] + "_" + size[1];
  }

  private static final class Case {
    final long m;
    final long n;
    final long k;
    final float[] weights;
    final float[] values;
    final Int8Rows rows;
    final MemorySegment x;
    final MemorySegment stored;
    final BlockPacking packing;
    final MemorySegment packed;
    final MemorySegment y;

    Case(BlockFormat format, CpuTarget cpu, long m, long n, long k) {
      this.m = m;
      this.n = n;
      this.k = k;
      var arena = Arena.ofAuto();
      var random = new Random(m * 31 + n * 7 + k);
      weights = new float[(int) (n * k)];
      stored = blocks(arena, format, random);
      for (int b = 0; b < n * k / format.weights(); b++) {
        format.dequantize(stored, (long) b * format.bytes(), weights, b * format.weights());
      }
      rows = new Int8Rows(k, format.scaleGroup());
      values = new float[(int) (m * k)];
      x = arena.allocate(Math.max(1, m * rows.rowBytes()), 64);
      for (int i = 0; i < m; i++) {
        row(random, i);
      }
      packing = new BlockPacking(format, n, k, cpu.lanes());
      packed = arena.allocate(packing.bytes(), 64);
      packing.packRows(stored, format.rowBytes(k), 0, n, packed, null);
      y = arena.allocate(Math.max(1, m * (n + 3)) * 4, 4);
    }

    /// Random codes; scales between 1/16 and 1/8, so that no weight is much larger than the others.
    private MemorySegment blocks(Arena arena, BlockFormat format, Random random) {
      var bytes = new byte[(int) (n * format.rowBytes(k))];
      random.nextBytes(bytes);
      int[] halves = switch (format) {
        case Q8_0, Q4_0, Q5_0 -> new int[] {0};
        case Q4_1, Q5_1, Q4_K, Q5_K -> new int[] {0, 2};
        case Q2_K -> new int[] {80, 82};
        case Q3_K -> new int[] {108};
        case Q6_K -> new int[] {208};
        case MXFP4 -> new int[0];
      };
      for (int b = 0; b < bytes.length; b += format.bytes()) {
        for (int at : halves) {
          bytes[b + at + 1] = (byte) (0x2c | bytes[b + at + 1] & 0x83);
        }
        if (format == BlockFormat.MXFP4) {
          bytes[b] = (byte) (122 + random.nextInt(3));
        }
      }
      MemorySegment stored = arena.allocate(bytes.length, 64);
      MemorySegment.copy(bytes, 0, stored, ValueLayout.JAVA_BYTE, 0, bytes.length);
      return stored;
    }

    private void row(Random random, int i) {
      for (int g = 0; g < k / rows.group(); g++) {
        float scale = (1 + random.nextInt(8)) / 1024f;
        int sum = 0;
        for (int j = 0; j < rows.group(); j++) {
          int code = random.nextInt(-127, 128);
          sum += code;
          int at = g * rows.group() + j;
          values[(int) (i * k) + at] = code * scale;
          x.set(ValueLayout.JAVA_BYTE, i * rows.rowBytes() + at, (byte) code);
        }
        put(i, rows.scales(), g, Float.floatToRawIntBits(scale));
        put(i, rows.sums(), g, sum);
        put(i, rows.scaledSums(), g, Float.floatToRawIntBits(scale * sum));
      }
    }

    private void put(int row, long part, int group, int bits) {
      x.set(ValueLayout.JAVA_INT, row * rows.rowBytes() + part + 4L * group, bits);
    }

    /// Generated code packs as Java does, but for rows that are not there.
    void packs(Compiled code) {
      long lanes = packing.rows();
      for (long p = 0; p < packing.panels(); p++) {
        var to = Arena.ofAuto().allocate(packing.panelBytes(), 64);
        long rowBytes = packing.format().rowBytes(k);
        long count = Math.min(lanes, n - p * lanes);
        code.call(dev.deepstack.program.weight.PanelCode.name(packing.format()), stored.asSlice(p * lanes * rowBytes),
            rowBytes, count, k / packing.format().weights(), to);
        for (long at = 0; at < packing.panelBytes() / 4; at++) {
          if (at % lanes < count) {
            assertThat(to.getAtIndex(ValueLayout.JAVA_INT, at)).as("panel %d word %d", p, at)
                .isEqualTo(packed.getAtIndex(ValueLayout.JAVA_INT, p * packing.panelBytes() / 4 + at));
          }
        }
      }
    }

    void check(Compiled code, String name, int threads, MemorySegment claims) {
      for (long i = 0; i < m * (n + 3); i++) {
        y.setAtIndex(ValueLayout.JAVA_FLOAT, i, UNTOUCHED);
      }
      for (long thread = 0; thread < threads; thread++) {
        code.call(name, x, rows.rowBytes(), packed, m, y, n + 3, claims, thread, (long) threads);
      }
      for (int i = 0; i < m; i++) {
        for (int j = 0; j < n + 3; j++) {
          double wanted = j < n ? 0 : UNTOUCHED;
          double size = 1e-3;
          for (int at = 0; j < n && at < k; at++) {
            double term = (double) values[(int) (i * k) + at] * weights[(int) (j * k) + at];
            wanted += term;
            size += Math.abs(term);
          }
          double got = y.getAtIndex(ValueLayout.JAVA_FLOAT, i * (n + 3) + j);
          if (!(Math.abs(got - wanted) <= 2e-6 * size)) {
            assertThat(got).as("%s m=%d threads=%d [%d, %d]", name, m, threads, i, j).isEqualTo(wanted);
          }
        }
      }
    }
  }
}
