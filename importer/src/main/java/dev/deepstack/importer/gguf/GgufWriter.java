package dev.deepstack.importer.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// Writes a GGUF file of version 3: the head first, then the tensors' bytes in the order in which they were
/// announced.
public final class GgufWriter {
  private final SequencedMap<String, GgufValue> metadata;
  private final long alignment;
  private final List<Announced> tensors;

  /// A tensor that will be written.
  ///
  /// @param shape outermost first; the innermost extent a multiple of the type's blocks
  public record Announced(String name, GgufType type, long[] shape) {
    public Announced {
      shape = shape.clone();
    }

    /// Bytes of the tensor.
    public long bytes() {
      return type.bytes(shape);
    }
  }

  /// Writes the bytes of a tensor, exactly [Announced#bytes] of them.
  @FunctionalInterface
  public interface Source {
    void write(Announced tensor, WritableByteChannel out) throws IOException;
  }

  public GgufWriter(SequencedMap<String, GgufValue> metadata, List<Announced> tensors) {
    this.metadata = metadata;
    this.tensors = List.copyOf(tensors);
    this.alignment = new GgufMetadata("", metadata).whole("general.alignment", 32);
  }

  /// Bytes of the whole file.
  public long bytes() {
    long bytes = head().length;
    for (Announced tensor : tensors) {
      bytes += padded(tensor.bytes());
    }
    return bytes;
  }

  /// Writes the file.
  ///
  /// @throws IOException from the channel
  /// @throws IllegalStateException when a source writes more or fewer bytes than announced
  public void write(WritableByteChannel out, Source source) throws IOException {
    writeFully(out, ByteBuffer.wrap(head()));
    for (Announced tensor : tensors) {
      var counted = new Counted(out);
      source.write(tensor, counted);
      if (counted.bytes != tensor.bytes()) {
        throw new IllegalStateException(tensor.name() + ": " + counted.bytes + " bytes, not " + tensor.bytes());
      }
      writeFully(out, ByteBuffer.allocate((int) (padded(tensor.bytes()) - tensor.bytes())));
    }
  }

  private byte[] head() {
    var out = new Bytes();
    out.write("GGUF".getBytes(StandardCharsets.US_ASCII));
    out.int32(3);
    out.int64(tensors.size());
    out.int64(metadata.size());
    for (Map.Entry<String, GgufValue> entry : metadata.entrySet()) {
      out.text(entry.getKey());
      out.int32(entry.getValue().type().number());
      out.value(entry.getValue());
    }
    long offset = 0;
    for (Announced tensor : tensors) {
      out.text(tensor.name());
      out.int32(tensor.shape().length);
      for (int i = tensor.shape().length - 1; i >= 0; i--) {
        out.int64(tensor.shape()[i]);
      }
      out.int32(tensor.type().number());
      out.int64(offset);
      offset += padded(tensor.bytes());
    }
    out.write(new byte[(int) (padded(out.size()) - out.size())]);
    return out.toByteArray();
  }

  private long padded(long bytes) {
    return Math.ceilDiv(bytes, alignment) * alignment;
  }

  static void writeFully(WritableByteChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /// Counts what passes.
  private static final class Counted implements WritableByteChannel {
    private final WritableByteChannel out;
    private long bytes;

    Counted(WritableByteChannel out) {
      this.out = out;
    }

    @Override
    public int write(ByteBuffer source) throws IOException {
      int written = out.write(source);
      bytes += written;
      return written;
    }

    @Override
    public boolean isOpen() {
      return out.isOpen();
    }

    @Override
    public void close() {}
  }

  /// The head in the making.
  private static final class Bytes extends ByteArrayOutputStream {
    @Override
    public void write(byte[] bytes) {
      writeBytes(bytes);
    }

    void whole(int width, long value) {
      for (int i = 0; i < width; i++) {
        write((int) (value >> 8 * i));
      }
    }

    void int32(int value) {
      whole(4, value);
    }

    void int64(long value) {
      whole(8, value);
    }

    void real(GgufValue.Type type, double value) {
      whole(type.bytes(), type == GgufValue.Type.FLOAT32
          ? Float.floatToRawIntBits((float) value)
          : Double.doubleToRawLongBits(value));
    }

    void text(String text) {
      byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
      int64(utf8.length);
      write(utf8);
    }

    void value(GgufValue value) {
      switch (value) {
        case GgufValue.Whole(GgufValue.Type type, long number) -> whole(type.bytes(), number);
        case GgufValue.Real(GgufValue.Type type, double number) -> real(type, number);
        case GgufValue.Flag(boolean flag) -> write(flag ? 1 : 0);
        case GgufValue.Text(String text) -> text(text);
        case GgufValue.Items items -> items(items);
      }
    }

    private void items(GgufValue.Items items) {
      int32(items.elements().number());
      int64(items.size());
      switch (items) {
        case GgufValue.Wholes(GgufValue.Type type, long[] values) -> {
          for (long value : values) {
            whole(type.bytes(), value);
          }
        }
        case GgufValue.Reals(GgufValue.Type type, double[] values) -> {
          for (double value : values) {
            real(type, value);
          }
        }
        case GgufValue.Texts(List<String> values) -> values.forEach(this::text);
        case GgufValue.Nested(List<GgufValue.Items> values) -> values.forEach(this::items);
      }
    }
  }
}
