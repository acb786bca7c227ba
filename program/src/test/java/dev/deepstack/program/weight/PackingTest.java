package dev.deepstack.program.weight;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.tensor.DType;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class PackingTest {
  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16", "F16"})
  void putsEveryElementWhereTheLayoutSays(DType dtype) {
    for (int rows : new int[] {8, 16}) {
      for (int n : new int[] {1, 8, 16, 17, 40}) {
        for (int k : new int[] {1, 2, 3, 300, 513}) {
          var packing = new Packing(dtype, n, k, rows);
          assertThat(packing.panelBytes() % 64).isZero();
          check(packing, k, 1, (n - 1L) * k + k);
          check(packing, k + 3, 1, (n - 1L) * (k + 3) + k);
          check(packing, 1, n, (long) n * k);
        }
      }
    }
  }

  @Test
  void putsPiecesTogether() {
    var packing = new Packing(DType.BF16, 50, 33, 16);
    try (var arena = Arena.ofConfined()) {
      var source = numbered(arena, DType.BF16, 50 * 33);
      var whole = arena.allocate(packing.bytes(), 64);
      packing.pack(source, 33, 1, whole);
      var pieces = arena.allocate(packing.bytes(), 64);
      packing.packRows(source, 33, 1, 0, 7, pieces, null);
      packing.packRows(source.asSlice(7 * 33 * 2), 33, 1, 7, 30, pieces, null);
      packing.packRows(source.asSlice(37 * 33 * 2), 33, 1, 37, 13, pieces, null);
      assertThat(pieces.mismatch(whole)).isEqualTo(-1);
    }
  }

  @Test
  void refusesASourceThatIsTooSmall() {
    var packing = new Packing(DType.F32, 4, 4, 8);
    try (var arena = Arena.ofConfined()) {
      var source = arena.allocate(4 * 15);
      var destination = arena.allocate(packing.bytes());
      assertThatThrownBy(() -> packing.pack(source, 4, 1, destination))
          .isInstanceOf(IllegalArgumentException.class);
    }
  }

  private static void check(Packing packing, long rowStride, long columnStride, long elements) {
    int size = packing.dtype().bytes();
    try (var arena = Arena.ofConfined()) {
      var source = numbered(arena, packing.dtype(), elements);
      var packed = arena.allocate(packing.bytes(), 64);
      packed.fill((byte) 0x55);
      packing.pack(source, rowStride, columnStride, packed);
      int perUnit = 4 / size;
      long kPadded = packing.panelBytes() / packing.rows() / size;
      for (long i = 0; i < packing.panels() * packing.rows(); i++) {
        for (long j = 0; j < kPadded; j++) {
          long at =
              i / packing.rows() * packing.panelBytes()
                  + j / perUnit * packing.rows() * 4
                  + i % packing.rows() * 4
                  + j % perUnit * size;
          boolean padding = i >= packing.n() || j >= packing.k();
          long wanted = padding ? 0 : get(source, size, i * rowStride + j * columnStride);
          if (get(packed.asSlice(at), size, 0) != wanted) {
            assertThat(get(packed.asSlice(at), size, 0))
                .as("%s [%d, %d]", packing, i, j)
                .isEqualTo(wanted);
          }
        }
      }
    }
  }

  private static MemorySegment numbered(Arena arena, DType dtype, long elements) {
    var source = arena.allocate(elements * dtype.bytes(), 64);
    for (long i = 0; i < elements; i++) {
      if (dtype.bytes() == 4) {
        source.setAtIndex(ValueLayout.JAVA_INT, i, (int) i + 1);
      } else {
        source.setAtIndex(ValueLayout.JAVA_SHORT, i, (short) (i % 65000 + 1));
      }
    }
    return source;
  }

  private static long get(MemorySegment memory, int size, long index) {
    return List.of(4).contains(size)
        ? memory.get(ValueLayout.JAVA_INT_UNALIGNED, index * 4)
        : memory.get(ValueLayout.JAVA_SHORT_UNALIGNED, index * 2);
  }
}
