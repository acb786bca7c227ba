package dev.deepstack.program;

import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.TensorType;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// Everything about a compiled model but the bytes of its tensors, as one block of bytes; [BlockReader] reads it.
///
/// Big-endian; a list is its count and its items; text is its length in bytes and UTF-8; dims are their text. Tensors
/// name a storage, and storages are extents of a data file.
final class BlockWriter {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final DataOutputStream out = new DataOutputStream(bytes);

  private BlockWriter() {}

  /// A storage of tensors, told from others by where it is.
  record Extent(@Nullable Object heap, long address, long bytes) {
    static Extent of(StridedTensor t) {
      MemorySegment s = t.storage();
      return new Extent(s.heapBase().orElse(null), s.address(), s.byteSize());
    }
  }

  /// Writes the item of a list or map.
  private interface Item<T> {
    void write(T item) throws IOException;
  }

  /// The weights that the programs read, by name.
  static SequencedMap<String, StridedTensor> weights(CompiledModel model) {
    var names = new TreeSet<String>();
    model.programs().forEach(p -> p.weights().forEach(r -> r.pieces().forEach(piece -> names.add(piece.weight()))));
    var weights = new LinkedHashMap<String, StridedTensor>();
    names.forEach(n -> weights.put(n, model.weights().weight(n)));
    return weights;
  }

  /// @param offsets where the storage of each tensor lies in the data file
  static byte[] write(
      CompiledModel model, SequencedMap<String, StridedTensor> weights, Map<Extent, Long> offsets) {
    var writer = new BlockWriter();
    try {
      writer.model(model, weights, offsets);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return writer.bytes.toByteArray();
  }

  /// The programs alone.
  static byte[] write(List<Program> programs) {
    var writer = new BlockWriter();
    try {
      writer.list(programs, writer::program);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return writer.bytes.toByteArray();
  }

  private void model(
      CompiledModel model, SequencedMap<String, StridedTensor> weights, Map<Extent, Long> offsets)
      throws IOException {
    list(model.programs(), this::program);
    out.writeLong(model.context());
    String tokenizer = model.tokenizer();
    out.writeBoolean(tokenizer != null);
    if (tokenizer != null) {
      text(tokenizer);
    }
    tensors(weights, offsets);
    tensors(model.states(), offsets);
  }

  private void tensors(SequencedMap<String, StridedTensor> tensors, Map<Extent, Long> offsets) throws IOException {
    list(List.copyOf(tensors.entrySet()), entry -> {
      StridedTensor t = entry.getValue();
      text(entry.getKey());
      text(t.dtype().text());
      longs(t.shape());
      longs(t.strides());
      out.writeLong(t.offset());
      out.writeLong(Objects.requireNonNull(offsets.get(Extent.of(t))));
      out.writeLong(t.storage().byteSize());
    });
  }

  private void program(Program p) throws IOException {
    list(p.inputs(), this::port);
    list(p.states(), this::port);
    list(p.results(), this::port);
    list(List.copyOf(p.symbols().entrySet()), e -> {
      text(e.getKey());
      out.writeLong(e.getValue().min());
      out.writeLong(e.getValue().max());
    });
    list(p.buffers(), this::buffer);
    list(p.slots(), sizes -> list(sizes, this::dim));
    list(List.copyOf(p.computed().entrySet()), e -> {
      text(e.getKey());
      dim(e.getValue());
    });
    list(p.faults(), this::text);
    list(p.weights(), this::recipe);
    list(p.kernels(), k -> {
      text(k.kind());
      text(k.note());
      text(k.function());
      dim(k.work());
      dim(k.bytes());
    });
    dim(p.work());
    list(p.cpuFeatures(), this::text);
    text(p.cpu());
    out.writeInt(p.panelRows());
    out.writeInt(p.object().length);
    out.write(p.object());
  }

  private void port(Port port) throws IOException {
    text(port.name());
    type(port.type());
  }

  private void type(TensorType type) throws IOException {
    text(type.dtype().text());
    list(type.shape().dims(), this::dim);
  }

  private void buffer(Buffer buffer) throws IOException {
    switch (buffer) {
      case Buffer.Input(int i) -> tagged(0, i);
      case Buffer.State(int i) -> tagged(1, i);
      case Buffer.Result(int i) -> tagged(2, i);
      case Buffer.Weight(int i) -> tagged(3, i);
      case Buffer.Slot(int i) -> tagged(4, i);
    }
  }

  private void tagged(int tag, int index) throws IOException {
    out.writeByte(tag);
    out.writeInt(index);
  }

  private void recipe(WeightRecipe r) throws IOException {
    out.writeByte(switch (r.layout()) {
      case PLAIN -> 0;
      case PANELS -> 1;
      case WINOGRAD -> 2;
    });
    text(r.dtype().text());
    text(r.blocks() == null ? "" : r.blocks().name());
    longs(r.groups(), r.rows(), r.columns());
    list(r.pieces(), piece -> {
      text(piece.weight());
      longs(piece.offset(), piece.rows(), piece.groupStride(), piece.rowStride(), piece.columnStride(),
          piece.inner(), piece.innerStride());
    });
  }

  private void dim(Dim dim) throws IOException {
    text(dim.toString());
  }

  private void longs(long... values) throws IOException {
    out.writeInt(values.length);
    for (long v : values) {
      out.writeLong(v);
    }
  }

  private void text(String text) throws IOException {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    out.writeInt(utf8.length);
    out.write(utf8);
  }

  private <T> void list(List<T> items, Item<T> item) throws IOException {
    out.writeInt(items.size());
    for (T i : items) {
      item.write(i);
    }
  }
}
