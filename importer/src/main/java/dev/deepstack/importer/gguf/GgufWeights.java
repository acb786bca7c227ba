package dev.deepstack.importer.gguf;

import dev.deepstack.importer.FusedRows;
import dev.deepstack.importer.WeightSource;
import dev.deepstack.models.AttentionSpec;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.LayerSpec;
import dev.deepstack.models.StoredForm;
import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The tensors of a GGUF file under the names of a decoder's graph.
final class GgufWeights implements WeightSource {
  /// Where a weight comes from.
  private sealed interface Origin {
    /// @param index along the first axis, or -1 for the whole
    StridedTensor tensor(long index, Arena arena);
  }

  /// A tensor as it is stored, under another shape of the same rows.
  private record Stored(GgufTensor source, long[] shape) implements Origin {
    @Override
    public StridedTensor tensor(long index, Arena arena) {
      if (index >= 0) {
        return source.stored(index);
      }
      StridedTensor whole = source.stored();
      long[] extents = shape.clone();
      if (extents.length > 0 && whole.shape().length > 0) {
        extents[extents.length - 1] = whole.shape()[whole.shape().length - 1];
      }
      return StridedTensor.of(new HostTensor(whole.dtype(), extents, source.data()));
    }
  }

  /// Some rows of a tensor, one behind the other.
  private record Part(GgufTensor source, long first, long[] shape) implements Origin {
    @Override
    public StridedTensor tensor(long index, Arena arena) {
      long[] stored = source.storedShape();
      long bytes = source.data().byteSize() / stored[0];
      stored[0] = shape[0];
      return StridedTensor.of(new HostTensor(source.type().dtype(), stored,
          source.data().asSlice(first * bytes, shape[0] * bytes)));
    }
  }

  /// Rows of each head of a matrix `[heads * (nope + value), rank]`.
  private record Rows(GgufTensor source, int heads, int first, int rows) implements Origin {
    @Override
    public StridedTensor tensor(long index, Arena arena) {
      StridedTensor all = source.stored();
      long width = all.shape()[1];
      long perHead = all.shape()[0] / heads;
      return new StridedTensor(all.dtype(), new long[] {heads, rows, width}, new long[] {perHead * width, width, 1},
          first * width, source.data());
    }
  }

  /// The same rows with columns and rows exchanged; blocks are dequantized, since they run along rows.
  private record Columns(GgufTensor source, int heads, int rows) implements Origin {
    @Override
    public StridedTensor tensor(long index, Arena arena) {
      BlockFormat format = source.type().block();
      long rank = source.columns();
      long perHead = source.shape()[0] / heads;
      var extents = new long[] {heads, rank, rows};
      if (format == null) {
        var strides = new long[] {perHead * rank, 1, rank};
        return new StridedTensor(source.type().dtype(), extents, strides, 0, source.data());
      }
      MemorySegment values = arena.allocate(Math.multiplyExact(4L * heads * rows, rank), 64);
      var block = new float[format.weights()];
      for (long row = 0; row < (long) heads * rows; row++) {
        long from = (row / rows * perHead + row % rows) * format.rowBytes(rank);
        for (long at = 0; at < rank; at += block.length, from += format.bytes()) {
          format.dequantize(source.data(), from, block, 0);
          MemorySegment.copy(block, 0, values, ValueLayout.JAVA_FLOAT, (row * rank + at) * 4, block.length);
        }
      }
      return new StridedTensor(DType.F32, extents, new long[] {rows * rank, 1, rank}, 0, values);
    }
  }

  private final GgufFile file;
  private final Map<String, Origin> origins = new HashMap<>();
  private final Set<String> used = new HashSet<>();

  GgufWeights(GgufFile file) {
    this.file = file;
  }

  /// Names of the file's tensors that have become weights.
  Set<String> used() {
    return Set.copyOf(used);
  }

  /// Finds a weight, checks it and says how it is stored.
  StoredForm bind(DecoderWeight weight, DecoderSpec spec) {
    LayerSpec.Norms norms = spec.layers().get(Math.max(0, weight.layer())).norms();
    List<String> names = GgufNames.of(weight.name(), norms);
    FusedRows fused = FusedRows.of(weight, spec);
    GgufTensor whole = fused == null ? null : file.tensors().get(GgufNames.of(fused.file(), norms).getFirst());
    if (fused != null && whole != null && whole.shape().length > 0 && whole.shape()[0] == fused.rows()) {
      return bindPart(weight, whole, fused.first());
    }
    for (String name : names) {
      GgufTensor tensor = file.tensors().get(name);
      if (tensor != null) {
        return bind(weight, tensor);
      }
    }
    if (weight.role() == DecoderWeight.Role.PER_HEAD) {
      GgufTensor both = file.tensors().get(GgufNames.block(weight.layer()) + "attn_kv_b.weight");
      if (both != null && spec.layers().get(weight.layer()).attention() instanceof AttentionSpec.Latent latent) {
        return bindHalf(weight, both, latent);
      }
    }
    return bind(weight, file.tensor(names.getFirst()));
  }

  private StoredForm bind(DecoderWeight weight, GgufTensor tensor) {
    if (!Arrays.equals(squeezed(tensor.shape()), squeezed(weight.extents()))) {
      throw contradicts(tensor, weight.shape().toString());
    }
    origins.put(weight.name(), new Stored(tensor, weight.extents()));
    return formOf(tensor);
  }

  private StoredForm bindPart(DecoderWeight weight, GgufTensor whole, long first) {
    long[] expected = weight.extents();
    if (whole.shape().length != expected.length
        || expected.length > 1 && whole.shape()[1] != expected[1]) {
      throw contradicts(whole, weight.shape().toString());
    }
    origins.put(weight.name(), new Part(whole, first, expected));
    return formOf(whole);
  }

  private StoredForm bindHalf(DecoderWeight weight, GgufTensor both, AttentionSpec.Latent a) {
    var expected = new long[] {(long) a.heads() * (a.nopeDim() + a.valueDim()), a.rank()};
    if (!Arrays.equals(both.shape(), expected)) {
      throw contradicts(both, Arrays.toString(expected));
    }
    StoredForm stored = formOf(both);
    if (weight.name().endsWith(".v")) {
      origins.put(weight.name(), new Rows(both, a.heads(), a.nopeDim(), a.valueDim()));
      return stored;
    }
    origins.put(weight.name(), new Columns(both, a.heads(), a.nopeDim()));
    return stored instanceof StoredForm.Blocks ? new StoredForm.Plain(DType.F32) : stored;
  }

  private StoredForm formOf(GgufTensor tensor) {
    if (!tensor.type().dtype().isFloat() && tensor.type().block() == null) {
      throw new UnsupportedModelException(file.name() + ": weights stored as " + tensor.type().dtype().text() + " ("
          + GgufCursor.quote(tensor.name())
          + ") are not supported; supported are f32, f16, bf16 and the block formats");
    }
    used.add(tensor.name());
    return GgufArchitecture.form(tensor);
  }

  private MalformedModelException contradicts(GgufTensor tensor, String expected) {
    return new MalformedModelException(file.name() + ": its tensor " + GgufCursor.quote(tensor.name())
        + " has the shape " + Arrays.toString(tensor.shape()) + " where the metadata calls for " + expected
        + "; fetch another file");
  }

  /// Without leading extents of one, which files leave out.
  private static long[] squeezed(long[] shape) {
    int from = 0;
    while (from < shape.length - 1 && shape[from] == 1) {
      from++;
    }
    return Arrays.copyOfRange(shape, from, shape.length);
  }

  @Override
  public StridedTensor tensor(String name, Arena arena) {
    Origin origin = origins.get(name);
    if (origin != null) {
      return origin.tensor(-1, arena);
    }
    // A slice of a stack: the index stands where the stack's name has a star.
    String[] parts = name.split("\\.experts\\.", 2);
    int dot = parts.length == 2 ? parts[1].indexOf('.') : -1;
    if (dot > 0 && parts[1].substring(0, dot).matches("\\d{1,9}")) {
      origin = origins.get(parts[0] + ".experts.*" + parts[1].substring(dot));
      if (origin != null) {
        return origin.tensor(Integer.parseInt(parts[1].substring(0, dot)), arena);
      }
    }
    throw new InvalidInputException(file.name() + " has no weight " + name);
  }
}
