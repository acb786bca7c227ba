package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.BlockFormat;
import dev.deepstack.tensor.BlockQuantizer;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;

/// Stores a model's content in another format, as a GGUF file.
public final class GgufQuantizer {
  /// Weights that are worked on at a time.
  private static final int CHUNK = 1 << 22;
  /// Free space to leave.
  private static final long SPARE = 64 << 20;

  private final GgufContent content;
  private final List<GgufWriter.Announced> tensors = new ArrayList<>();
  private final GgufWriter writer;

  /// Hears of bytes that were written.
  @FunctionalInterface
  public interface Progress {
    /// @param tensor of which they are
    void wrote(String tensor, long bytes);
  }

  /// @throws InvalidInputException when the content is quantized already
  public GgufQuantizer(GgufContent content, GgufTarget target) {
    this.content = content;
    for (GgufContent.Part tensor : content.tensors()) {
      if (tensor.stored().block() != null && tensor.stored() != GgufType.MXFP4) {
        throw new InvalidInputException("the model is quantized already (tensor " + tensor.name() + " is stored as "
            + tensor.stored().name().toLowerCase(Locale.ROOT) + "); give its original in 16 or 32 bits");
      }
    }
    boolean tied = content.tensors().stream().noneMatch(t -> t.name().equals("output.weight"));
    int experts = content.tensors().stream().filter(t -> t.name().endsWith("ffn_up_exps.weight")).findFirst()
        .map(t -> (int) t.shape()[0]).orElse(0);
    for (GgufContent.Part tensor : content.tensors()) {
      tensors.add(new GgufWriter.Announced(tensor.name(), target.of(tensor, tied, experts), tensor.shape()));
    }
    var metadata = new LinkedHashMap<>(content.metadata());
    metadata.put("general.file_type", GgufValue.of(target.number()));
    metadata.put("general.quantization_version", GgufValue.of(2));
    writer = new GgufWriter(metadata, tensors);
  }

  /// Bytes of the file.
  public long bytes() {
    return writer.bytes();
  }

  /// Bytes of tensors by type.
  public Map<GgufType, Long> bytesByType() {
    var bytes = new EnumMap<GgufType, Long>(GgufType.class);
    tensors.forEach(t -> bytes.merge(t.type(), t.bytes(), Long::sum));
    return bytes;
  }

  /// Writes the file, which appears whole or not at all.
  ///
  /// @throws InvalidInputException when there is too little room, the file can't be written, or a weight can't be
  ///     stored
  public void write(Path file, Progress progress) {
    Path target = file.toAbsolutePath();
    Path folder = target.getParent();
    if (folder == null || !Files.isDirectory(folder)) {
      throw new InvalidInputException("there is no folder " + folder + " for " + file + "; make it first");
    }
    try {
      long free = Files.getFileStore(folder).getUsableSpace();
      if (free < bytes() + SPARE) {
        throw new InvalidInputException(String.format(Locale.ROOT,
            "%s needs %.2f GB and %s has %.2f GB free; make room or choose another folder", file, bytes() / 1e9, folder,
            free / 1e9));
      }
      Path part = Files.createTempFile(folder, "." + target.getFileName(), ".part");
      part.toFile().deleteOnExit();
      try {
        try (var out = FileChannel.open(part, StandardOpenOption.WRITE)) {
          write(out, progress);
          out.force(true);
        }
        Files.move(part, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      } finally {
        Files.deleteIfExists(part);
      }
    } catch (IOException e) {
      throw new InvalidInputException("cannot write " + file + ": " + e.getMessage()
          + "; check the folder, its permissions and free space", e);
    }
  }

  private void write(WritableByteChannel out, Progress progress) throws IOException {
    var sources = new HashMap<String, GgufContent.Part>();
    content.tensors().forEach(t -> sources.put(t.name(), t));
    writer.write(out, (tensor, channel) -> {
      GgufContent.Part source = Objects.requireNonNull(sources.get(tensor.name()));
      try {
        convert(source, tensor, channel, progress);
      } catch (InvalidInputException e) {
        throw new InvalidInputException("tensor " + tensor.name() + ": " + e.getMessage(), e);
      }
    });
  }

  private static void convert(
      GgufContent.Part source, GgufWriter.Announced tensor, WritableByteChannel out, Progress progress)
      throws IOException {
    int columns = Math.toIntExact(source.columns());
    long rows = HostTensor.count(source.shape()) / columns;
    int each = (int) Math.clamp(CHUNK / columns, 1, rows);
    int rowBytes = Math.toIntExact(tensor.type().rowBytes(columns));
    try (var arena = Arena.ofShared()) {
      GgufRows from = source.source().apply(arena);
      for (long first = 0; first < rows; first += each) {
        int count = (int) Math.min(each, rows - first);
        var bytes = new byte[Math.multiplyExact(count, rowBytes)];
        MemorySegment stored = MemorySegment.ofArray(bytes);
        long begin = first;
        IntStream.range(0, count).parallel().forEach(i -> {
          var row = new float[columns];
          from.read(begin + i, row, 0);
          store(tensor.type(), row, stored, (long) i * rowBytes);
        });
        GgufWriter.writeFully(out, ByteBuffer.wrap(bytes));
        progress.wrote(tensor.name(), bytes.length);
      }
    }
  }

  private static void store(GgufType type, float[] row, MemorySegment out, long offset) {
    BlockFormat block = type.block();
    if (block != null) {
      for (int i = 0; i < row.length / block.weights(); i++) {
        BlockQuantizer.quantize(block, row, i * block.weights(), out, offset + (long) i * block.bytes());
      }
      return;
    }
    DType dtype = type.dtype();
    MemorySegment at = out.asSlice(offset, (long) row.length * dtype.bytes());
    for (int i = 0; i < row.length; i++) {
      HostTensor.set(at, dtype, i, row[i]);
    }
  }
}
