package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.MemorySegment;

/// A tensor of a GGUF file, mapped.
///
/// @param shape outermost first (the file has it the other way round), as the arithmetic sees it
/// @param data exactly its bytes
public record GgufTensor(String name, GgufType type, long[] shape, MemorySegment data) {
  public GgufTensor {
    shape = shape.clone();
  }

  /// Elements of the innermost axis.
  public long columns() {
    return GgufType.columns(shape);
  }

  /// What [#stored] is shaped like: the last axis counts bytes where the type has blocks.
  public long[] storedShape() {
    long[] stored = shape.clone();
    BlockFormat block = type.block();
    if (block != null) {
      stored[stored.length - 1] = block.rowBytes(columns());
    }
    return stored;
  }

  /// The tensor as it lies in the file: plain elements, or rows of blocks as u8 `[…, n, rowBytes]`.
  public StridedTensor stored() {
    return StridedTensor.of(new HostTensor(type.dtype(), storedShape(), data));
  }

  /// One slice along the first axis.
  ///
  /// @throws IndexOutOfBoundsException when there is no such slice
  public StridedTensor stored(long index) {
    if (index < 0 || shape.length == 0 || index >= shape[0]) {
      throw new IndexOutOfBoundsException(name + " has no slice " + index);
    }
    long[] whole = storedShape();
    long[] slice = java.util.Arrays.copyOfRange(whole, 1, whole.length);
    long bytes = data.byteSize() / whole[0];
    return StridedTensor.of(new HostTensor(type.dtype(), slice, data.asSlice(index * bytes, bytes)));
  }
}
