package dev.deepstack.importer.hf;

import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;

/// Matrices of narrow floats with a scale per tile, as f32.
final class TileDecoder {
  private TileDecoder() {}

  static HostTensor decode(StridedTensor codes, StridedTensor scales, StoredForm.Tiles tiles, Arena arena) {
    HostTensor from = codes.contiguous(arena);
    HostTensor factors = scales.contiguous(arena);
    long rows = from.shape()[0];
    long columns = from.shape()[1];
    long across = Math.ceilDiv(columns, tiles.columns());
    HostTensor to = HostTensor.allocate(arena, DType.F32, rows, columns);
    for (long i = 0; i < rows; i++) {
      for (long j = 0; j < columns; j++) {
        float scale = (float) factors.getDouble(i / tiles.rows() * across + j / tiles.columns());
        float value = (float) from.getDouble(i * columns + j) * scale;
        to.data().set(ValueLayout.JAVA_FLOAT_UNALIGNED, (i * columns + j) * Float.BYTES, value);
      }
    }
    return to;
  }
}
