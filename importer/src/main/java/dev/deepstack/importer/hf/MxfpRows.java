package dev.deepstack.importer.hf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/// Rows of an MXFP4 matrix in the file's layout (16 bytes of codes, two neighbours in each, scales apart), given in the
/// layout of [BlockFormat#MXFP4] (the scale, then 16 bytes that hold element j low and j+16 high).
///
/// @param row first row
/// @param step distance of rows
/// @param count how many
/// @param blocks of a row
record MxfpRows(HostTensor codes, HostTensor scales, long row, long step, long count, long blocks) {
  private static final int CODES = 16;

  /// u8[count, blocks*17].
  HostTensor in(Arena arena) {
    int bytes = BlockFormat.MXFP4.bytes();
    HostTensor rows = HostTensor.allocate(arena, DType.U8, count, blocks * bytes);
    MemorySegment from = codes.data();
    MemorySegment to = rows.data();
    var block = new byte[CODES];
    for (long i = 0; i < count; i++) {
      long first = (row + i * step) * blocks;
      for (long b = 0; b < blocks; b++) {
        long at = (i * blocks + b) * bytes;
        to.set(JAVA_BYTE, at, scales.data().get(JAVA_BYTE, first + b));
        MemorySegment.copy(from, JAVA_BYTE, (first + b) * CODES, block, 0, CODES);
        for (int j = 0; j < CODES; j++) {
          int low = block[j / 2] >> (j % 2 * 4) & 15;
          int high = block[CODES / 2 + j / 2] >> (j % 2 * 4) & 15;
          to.set(JAVA_BYTE, at + 1 + j, (byte) (low | high << 4));
        }
      }
    }
    return rows;
  }
}
