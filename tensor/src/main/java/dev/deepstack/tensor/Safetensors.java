package dev.deepstack.tensor;

import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SequencedMap;
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The safetensors format: 8 bytes header length, a JSON header, then the tensors' bytes without holes or overlaps.
///
/// Everything is validated before a tensor is made: offsets, sizes, dtypes, duplicate names, holes, trailing bytes.
public final class Safetensors {
  private static final long HEADER_BYTES_MAX = 100_000_000;
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private Safetensors() {}

  /// Maps a file; the tensors live as long as `arena`.
  ///
  /// @throws MalformedModelException when the file breaks the format
  /// @throws InvalidInputException when the file can't be read
  public static SequencedMap<String, HostTensor> read(Path file, Arena arena) {
    MemorySegment bytes;
    try (var channel = FileChannel.open(file, StandardOpenOption.READ)) {
      bytes = channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + reason(e) + "; check the path and its permissions",
          e);
    }
    return read(file, bytes);
  }

  /// The tensors in bytes that are mapped already.
  ///
  /// @param file for messages
  public static SequencedMap<String, HostTensor> read(Path file, MemorySegment bytes) {
    if (bytes.byteSize() < 8) {
      throw broken(file, "it is shorter than its 8-byte length field");
    }
    long headerBytes = bytes.get(JAVA_LONG_UNALIGNED, 0);
    if (headerBytes < 2 || headerBytes > Math.min(HEADER_BYTES_MAX, bytes.byteSize() - 8)) {
      throw broken(file, "its header claims " + headerBytes + " bytes");
    }
    byte[] header = bytes.asSlice(8, headerBytes).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    if (header[0] != '{') {
      throw broken(file, "its header does not begin with '{'");
    }
    JsonNode json;
    try {
      json = JSON.readTree(header);
    } catch (JacksonException e) {
      throw broken(file, "its header is not valid JSON (" + e.getOriginalMessage() + ")");
    }
    if (!json.isObject()) {
      throw broken(file, "its header is not a JSON object");
    }
    return tensors(file, json, bytes.asSlice(8 + headerBytes));
  }

  private static SequencedMap<String, HostTensor> tensors(Path file, JsonNode header, MemorySegment data) {
    var result = new LinkedHashMap<String, HostTensor>();
    var spans = new TreeMap<Long, Long>();
    for (var entry : header.properties()) {
      if (!entry.getKey().equals("__metadata__")) {
        result.put(entry.getKey(), tensor(file, entry.getKey(), entry.getValue(), data, spans));
      }
    }
    long end = 0;
    for (var span : spans.entrySet()) {
      if (span.getKey() != end) {
        throw broken(file, "the tensors leave a hole or overlap at data byte " + Math.min(end, span.getKey()));
      }
      end = span.getValue();
    }
    if (end != data.byteSize()) {
      throw broken(file, data.byteSize() - end + " bytes follow the last tensor");
    }
    return result;
  }

  private static HostTensor tensor(
      Path file, String name, JsonNode entry, MemorySegment data, NavigableMap<Long, Long> spans) {
    if (!entry.path("dtype").isString()) {
      throw broken(file, "tensor \"" + name + "\" has no dtype");
    }
    DType dtype = dtype(file, name, entry.path("dtype").asString());
    JsonNode extents = entry.path("shape");
    JsonNode offsets = entry.path("data_offsets");
    if (!extents.isArray() || !offsets.isArray() || offsets.size() != 2) {
      throw broken(file, "tensor \"" + name + "\" lacks a shape or two data_offsets");
    }
    var shape = new long[extents.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = number(file, name, extents.get(i));
    }
    long begin = number(file, name, offsets.get(0));
    long end = number(file, name, offsets.get(1));
    try {
      if (begin > end || end > data.byteSize()
          || Math.multiplyExact(HostTensor.count(shape), dtype.bytes()) != end - begin) {
        throw broken(file, "tensor \"" + name + "\" has offsets that do not fit its shape or the file");
      }
    } catch (ArithmeticException e) {
      throw broken(file, "the size of tensor \"" + name + "\" overflows");
    }
    if (begin != end && spans.put(begin, end) != null) {
      throw broken(file, "two tensors begin at data byte " + begin);
    }
    return new HostTensor(dtype, shape, data.asSlice(begin, end - begin));
  }

  private static long number(Path file, String name, JsonNode node) {
    if (!node.isIntegralNumber() || !node.canConvertToLong() || node.asLong() < 0) {
      throw broken(file, "tensor \"" + name + "\" has a size or offset that is not a non-negative integer");
    }
    return node.asLong();
  }

  private static DType dtype(Path file, String name, String text) {
    return switch (text) {
      case "BOOL" -> DType.BOOL;
      case "U8" -> DType.U8;
      case "I8" -> DType.I8;
      case "I16" -> DType.I16;
      case "U16" -> DType.U16;
      case "I32" -> DType.I32;
      case "U32" -> DType.U32;
      case "I64" -> DType.I64;
      case "U64" -> DType.U64;
      case "F8_E4M3" -> DType.F8E4M3;
      case "F8_E5M2" -> DType.F8E5M2;
      case "F16" -> DType.F16;
      case "BF16" -> DType.BF16;
      case "F32" -> DType.F32;
      case "F64" -> DType.F64;
      default -> throw new UnsupportedModelException(
          file + ": tensor \"" + name + "\" has dtype \"" + text + "\", which is not supported");
    };
  }

  private static String text(DType dtype) {
    return switch (dtype) {
      case F8E4M3 -> "F8_E4M3";
      case F8E5M2 -> "F8_E5M2";
      default -> dtype.name();
    };
  }

  /// Writes tensors in the map's order; the file appears whole or not at all.
  ///
  /// @throws InvalidInputException when the file can't be written
  public static void write(Path file, Map<String, HostTensor> tensors) {
    var header = JSON.createObjectNode();
    long offset = 0;
    for (var entry : tensors.entrySet()) {
      HostTensor t = entry.getValue();
      var node = header.putObject(entry.getKey());
      node.put("dtype", text(t.dtype()));
      var shape = node.putArray("shape");
      for (long extent : t.shape()) {
        shape.add(extent);
      }
      node.putArray("data_offsets").add(offset).add(offset + t.data().byteSize());
      offset += t.data().byteSize();
    }
    String json = JSON.writeValueAsString(header);
    byte[] head = (json + " ".repeat((8 - json.getBytes(StandardCharsets.UTF_8).length % 8) % 8))
        .getBytes(StandardCharsets.UTF_8);
    try {
      writeFile(file, head, tensors);
    } catch (IOException e) {
      throw new InvalidInputException(
          "cannot write " + file + ": " + reason(e) + "; check the folder, its permissions and free space", e);
    }
  }

  private static void writeFile(Path file, byte[] head, Map<String, HostTensor> tensors) throws IOException {
    Path target = file.toAbsolutePath();
    Path temporary = Files.createTempFile(target.getParent(), ".safetensors", ".part");
    try {
      try (var out = FileChannel.open(temporary, StandardOpenOption.WRITE)) {
        var length = MemorySegment.ofArray(new long[] {head.length});
        writeFully(out, length);
        writeFully(out, MemorySegment.ofArray(head));
        for (HostTensor t : tensors.values()) {
          writeFully(out, t.data());
        }
      }
      Files.move(temporary, target, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static void writeFully(FileChannel out, MemorySegment bytes) throws IOException {
    for (long at = 0; at < bytes.byteSize(); ) {
      long size = Math.min(bytes.byteSize() - at, 1 << 28);
      byte[] chunk = bytes.asSlice(at, size).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
      var buffer = java.nio.ByteBuffer.wrap(chunk);
      while (buffer.hasRemaining()) {
        out.write(buffer);
      }
      at += size;
    }
  }

  private static String reason(IOException e) {
    return switch (e) {
      case java.nio.file.NoSuchFileException _ -> "no such file";
      case java.nio.file.AccessDeniedException _ -> "access denied";
      default -> String.valueOf(e.getMessage());
    };
  }

  private static MalformedModelException broken(Path file, String what) {
    return new MalformedModelException(
        file + " is not a usable safetensors file: " + what + "; fetch or write the file again");
  }
}
