package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Function;

/// What a GGUF file is to hold: metadata, and tensors whose rows can be read.
public record GgufContent(SequencedMap<String, GgufValue> metadata, List<Part> tensors) {
  /// A tensor to be.
  ///
  /// @param shape outermost first
  /// @param stored how the source has it
  /// @param source its rows; what has to be computed for them lies in the arena that is given
  public record Part(String name, long[] shape, GgufType stored, Function<Arena, GgufRows> source) {
    public Part {
      shape = shape.clone();
    }

    long columns() {
      return GgufType.columns(shape);
    }
  }

  public GgufContent {
    metadata = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(metadata));
    tensors = List.copyOf(tensors);
  }

  /// A file's own content, in one part.
  public static GgufContent of(GgufFile file) {
    var metadata = new LinkedHashMap<>(file.metadata().values());
    metadata.keySet().removeIf(key -> key.startsWith("split."));
    return new GgufContent(metadata, file.tensors().values().stream().map(GgufContent::part).toList());
  }

  private static Part part(GgufTensor tensor) {
    BlockFormat block = tensor.type().block();
    StridedTensor stored = tensor.stored();
    GgufRows rows = block == null ? GgufRows.of(stored) : GgufRows.of(stored, block);
    return new Part(tensor.name(), tensor.shape(), tensor.type(), _ -> rows);
  }
}
