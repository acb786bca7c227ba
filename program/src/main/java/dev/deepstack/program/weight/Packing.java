package dev.deepstack.program.weight;

import dev.deepstack.tensor.DType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// The layout in which kernels read a weight matrix `w[n, k]`: panels of `rows` output rows, each
/// one stream of lines. A line holds one 4-byte unit per row of the panel: one f32 weight, two
/// 16-bit weights or four 8-bit ones with neighbouring k.
///
/// ```
/// [panel = n / rows][k / perUnit][row in panel][perUnit]
/// ```
///
/// Rows beyond `n` and what a last unit has beyond `k` are zero. The size is a multiple of 64
/// bytes per panel.
///
/// @param dtype F32, BF16, F16 or F8E4M3
/// @param n output rows of the matrix
/// @param k length of a row
/// @param rows rows of a panel: the f32 lanes of the CPU's vectors, 8 or 16
public record Packing(DType dtype, long n, long k, int rows) implements PanelLayout {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  private static final ValueLayout.OfShort SHORT = ValueLayout.JAVA_SHORT_UNALIGNED;
  private static final int BLOCK_UNITS = 256;

  public Packing {
    if (!supports(dtype) || n < 1 || k < 1 || (rows != 8 && rows != 16)) {
      throw new IllegalArgumentException(
          "cannot pack " + dtype.text() + " [" + n + ", " + k + "] in panels of " + rows + " rows");
    }
  }

  public static boolean supports(DType dtype) {
    return dtype == DType.F32 || dtype == DType.BF16 || dtype == DType.F16 || dtype == DType.F8E4M3;
  }

  @Override
  public long panels() {
    return (n + rows - 1) / rows;
  }

  /// Units of one row, padded so that a panel is a multiple of 64 bytes.
  private long unitsPadded() {
    long units = (k + perUnit() - 1) / perUnit();
    int multiple = 16 / rows;
    return (units + multiple - 1) / multiple * multiple;
  }

  private int perUnit() {
    return 4 / dtype.bytes();
  }

  @Override
  public long panelBytes() {
    return unitsPadded() * rows * 4;
  }

  /// Packs a matrix, on all processors if both memories may be used by other threads.
  ///
  /// @param source holds element (i, j) at element offset `i * rowStride + j * columnStride`
  /// @param destination receives [#bytes] bytes
  public void pack(
      MemorySegment source, long rowStride, long columnStride, MemorySegment destination) {
    destination.asSlice(0, bytes()).fill((byte) 0);
    packRows(source, rowStride, columnStride, 0, n, destination, null);
  }

  /// Packs `count` rows of the matrix, from row `first` on: for matrices put together from
  /// several tensors. Nothing is written to the places of other rows, nor to the padding, which
  /// must be zero.
  ///
  /// @param source holds element (first + i, j) at element offset `i * rowStride + j *
  /// columnStride`
  /// @param code packs whole panels of contiguous rows, if there is any
  public void packRows(
      MemorySegment source,
      long rowStride,
      long columnStride,
      long first,
      long count,
      MemorySegment destination,
      @Nullable PanelCode code) {
    long last = (count - 1) * rowStride + (k - 1) * columnStride;
    if (rowStride < 0
        || columnStride < 0
        || (last + 1) * dtype.bytes() > source.byteSize()
        || first + count > n) {
      throw new IllegalArgumentException("the source is smaller than its shape says");
    }
    var panels = LongStream.rangeClosed(first / rows, (first + count - 1) / rows);
    var helper = Thread.ofPlatform().unstarted(() -> {});
    boolean shared = source.isAccessibleBy(helper) && destination.isAccessibleBy(helper);
    (shared ? panels.parallel() : panels)
        .forEach(
            p -> {
              long low = Math.max(first, p * rows);
              long high = Math.min(first + count, (p + 1) * rows);
              var start = source.asSlice((low - first) * rowStride * dtype.bytes());
              long words = k * dtype.bytes() / 4;
              boolean isWhole = low == p * rows && high == Math.min(n, (p + 1) * rows);
              if (code != null && isWhole && columnStride == 1 && k * dtype.bytes() % 16 == 0) {
                var panel = destination.asSlice(p * panelBytes(), panelBytes());
                code.pack(start, rowStride * dtype.bytes(), high - low, words, panel);
                return;
              }
              packPanel(
                  start,
                  rowStride,
                  columnStride,
                  (int) (low - p * rows),
                  (int) (high - p * rows),
                  destination.asSlice(p * panelBytes(), panelBytes()));
            });
  }

  private void packPanel(
      MemorySegment source,
      long rowStride,
      long columnStride,
      int low,
      int high,
      MemorySegment panel) {
    long done = 0;
    if (columnStride == 1 && low == 0 && high == rows) {
      int units = (int) (k / perUnit());
      packUnits(source, rowStride, units, panel);
      done = (long) units * perUnit();
    }
    for (long j = done; j < k; j++) {
      packColumn(source, rowStride, columnStride, low, high, panel, j);
    }
  }

  /// Rows are contiguous: whole units move, in blocks that stay in the first-level cache.
  private void packUnits(MemorySegment source, long rowStride, int units, MemorySegment panel) {
    var in = new int[rows * BLOCK_UNITS];
    var out = new int[rows * BLOCK_UNITS];
    for (int first = 0; first < units; first += BLOCK_UNITS) {
      int count = Math.min(BLOCK_UNITS, units - first);
      for (int r = 0; r < rows; r++) {
        MemorySegment.copy(
            source, INT, r * rowStride * dtype.bytes() + first * 4L, in, r * BLOCK_UNITS, count);
      }
      if (rows == 16) {
        transpose16(in, out, count);
      } else {
        transpose8(in, out, count);
      }
      MemorySegment.copy(out, 0, panel, INT, (long) first * rows * 4, count * rows);
    }
  }

  // Constant strides let the compiler drop all checks.
  private static void transpose16(int[] in, int[] out, int count) {
    for (int r = 0; r < 16; r += 4) {
      int a = r * BLOCK_UNITS;
      for (int u = 0; u < count; u++) {
        int to = u * 16 + r;
        out[to] = in[a + u];
        out[to + 1] = in[a + BLOCK_UNITS + u];
        out[to + 2] = in[a + 2 * BLOCK_UNITS + u];
        out[to + 3] = in[a + 3 * BLOCK_UNITS + u];
      }
    }
  }

  private static void transpose8(int[] in, int[] out, int count) {
    for (int r = 0; r < 8; r += 4) {
      int a = r * BLOCK_UNITS;
      for (int u = 0; u < count; u++) {
        int to = u * 8 + r;
        out[to] = in[a + u];
        out[to + 1] = in[a + BLOCK_UNITS + u];
        out[to + 2] = in[a + 2 * BLOCK_UNITS + u];
        out[to + 3] = in[a + 3 * BLOCK_UNITS + u];
      }
    }
  }

  private void packColumn(
      MemorySegment source,
      long rowStride,
      long columnStride,
      int low,
      int high,
      MemorySegment panel,
      long j) {
    int perUnit = perUnit();
    long to = j / perUnit * rows * 4 + j % perUnit * dtype.bytes();
    for (int r = low; r < high; r++) {
      long from = (r - low) * rowStride + j * columnStride;
      switch (perUnit) {
        case 1 -> panel.set(INT, to + r * 4L, source.get(INT, from * 4));
        case 2 -> panel.set(SHORT, to + r * 4L, source.get(SHORT, from * 2));
        default -> panel.set(ValueLayout.JAVA_BYTE, to + r * 4L, source.get(ValueLayout.JAVA_BYTE, from));
      }
    }
  }
}
