package dev.deepstack.program.weight;

import dev.deepstack.tensor.BlockFormat;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;

/// The layout in which kernels read a matrix `w[n, k]` of block weights: panels of `rows` output rows, chunk by chunk
/// along k, each chunk the words of [BlockWords] with one lane per row.
///
/// ```
/// [panel = n / rows][chunk = k / chunk weights][word of the chunk][row in panel]
/// ```
///
/// Blocks beyond `k` are zero; what stands in rows beyond `n` means nothing. The matrix takes as many bytes as in the
/// file, up to padding.
///
/// @param n output rows of the matrix
/// @param k weights of a row, whole blocks
/// @param rows rows of a panel: the f32 lanes of the CPU's vectors, 8 or 16
public record BlockPacking(BlockFormat format, long n, long k, int rows) implements PanelLayout {
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT_UNALIGNED;
  /// Stored bytes of a row that are moved at a time, so that a panel's worth stays in the first-level cache.
  private static final int RUN_BYTES = 1024;

  public BlockPacking {
    if (n < 1 || k < 1 || k % format.weights() != 0 || rows != 8 && rows != 16) {
      throw new IllegalArgumentException("cannot pack " + format + " [" + n + ", " + k + "] in panels of " + rows);
    }
  }

  public BlockWords words() {
    return BlockWords.of(format);
  }

  /// Chunks along k.
  public long chunks() {
    long weights = words().weights();
    return (k + weights - 1) / weights;
  }

  public int chunkBytes() {
    return words().words().size() * 4 * rows;
  }

  @Override
  public long panels() {
    return (n + rows - 1) / rows;
  }

  @Override
  public long panelBytes() {
    return chunks() * chunkBytes();
  }

  /// Packs `count` rows of the matrix, from row `first` on. Nothing is written to the places of other rows. On all
  /// processors if both memories may be used by other threads.
  ///
  /// @param source holds stored row `first + i` at byte `i * rowStride`
  /// @param destination of [#bytes] bytes
  ///
  /// @param code packs whole panels, if there is any for the format
  public void packRows(
      MemorySegment source, long rowStride, long first, long count, MemorySegment destination,
      @Nullable PanelCode code) {
    if (count == 0) {
      return;
    }
    if ((count - 1) * rowStride + format.rowBytes(k) > source.byteSize() || first + count > n) {
      throw new IllegalArgumentException("the source is smaller than its shape says");
    }
    var helper = Thread.ofPlatform().unstarted(() -> {});
    boolean shared = source.isAccessibleBy(helper) && destination.isAccessibleBy(helper);
    var panels = LongStream.rangeClosed(first / rows, (first + count - 1) / rows);
    (shared ? panels.parallel() : panels).forEach(p -> {
      long low = Math.max(first, p * rows);
      long high = Math.min(first + count, (p + 1) * rows);
      MemorySegment from = source.asSlice((low - first) * rowStride);
      MemorySegment to = destination.asSlice(p * panelBytes(), panelBytes());
      if (code != null && low == p * rows && high == Math.min(n, (p + 1) * rows)) {
        code.pack(from, rowStride, high - low, k / format.weights(), to);
      } else {
        packPanel(from, rowStride, (int) (low - p * rows), (int) (high - p * rows), to);
      }
    });
  }

  private void packPanel(MemorySegment source, long rowStride, int low, int high, MemorySegment panel) {
    BlockWords words = words();
    int perRun = Math.max(1, RUN_BYTES / words.storedBytes());
    int perChunk = words.words().size() * rows;
    var row = new byte[perRun * words.storedBytes()];
    var out = new int[perRun * perChunk];
    long rowBytes = format.rowBytes(k);
    for (long chunk = 0; chunk < chunks(); chunk += perRun) {
      int count = (int) Math.min(perRun, chunks() - chunk);
      int bytes = (int) Math.min((long) count * words.storedBytes(), rowBytes - chunk * words.storedBytes());
      long to = chunk * perChunk * 4;
      if (high - low < rows) {
        MemorySegment.copy(panel, INT, to, out, 0, count * perChunk);
      }
      for (int r = low; r < high; r++) {
        MemorySegment.copy(source, ValueLayout.JAVA_BYTE, (r - low) * rowStride + chunk * words.storedBytes(), row, 0,
            bytes);
        for (int c = 0; c < count; c++) {
          words.read(row, c * words.storedBytes(), bytes, out, c * perChunk + r, rows);
        }
      }
      MemorySegment.copy(out, 0, panel, INT, to, count * perChunk);
    }
  }
}
