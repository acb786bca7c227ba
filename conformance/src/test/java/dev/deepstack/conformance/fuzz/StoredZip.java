package dev.deepstack.conformance.fuzz;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.zip.CRC32;
import java.util.zip.ZipFile;

/// Sound archives around one entry that is not: checksums would stop a fuzzer that changes whole files.
final class StoredZip {
  private static final String PAYLOADS = "model/data/weights/model_weights_config.json";
  private static final String STATE_DICT = "serialized_state_dict.pt";
  private static final String PICKLE = "data.pkl";
  private static final Map<String, byte[]> RAW = entries(Path.of("fixtures/pt2/weights_zoo/model.pt2"));
  private static final Map<String, byte[]> PICKLED = entries(Path.of("fixtures/pt2/weights_zoo/model.torch2.6.pt2"));

  private static final Map<String, byte[]> STATES = entries(PICKLED.get(STATE_DICT));

  private StoredZip() {}

  /// A `.pt2` file of a program without weights.
  static MemorySegment program(MemorySegment json, Arena arena) {
    var entries = new LinkedHashMap<String, byte[]>();
    entries.put("model/archive_format", "pt2".getBytes(StandardCharsets.US_ASCII));
    entries.put("model/models/model.json", json.toArray(ValueLayout.JAVA_BYTE));
    return zip(entries, arena);
  }

  /// A `.pt2` file with that list of its tensors.
  static MemorySegment payloads(MemorySegment json, Arena arena) {
    return zip(with(RAW, PAYLOADS, json.toArray(ValueLayout.JAVA_BYTE)), arena);
  }

  /// A `.pt2` file of torch 2.6 with that pickle of its tensors.
  static MemorySegment pickled(MemorySegment pickle, Arena arena) {
    String name = STATES.keySet().stream().filter(n -> n.endsWith(PICKLE)).findFirst().orElseThrow();
    byte[] dict = zip(with(STATES, name, pickle.toArray(ValueLayout.JAVA_BYTE)), arena)
        .toArray(ValueLayout.JAVA_BYTE);
    return zip(with(PICKLED, STATE_DICT, dict), arena);
  }

  /// What [#payloads] replaces.
  static byte[] payloads() {
    return RAW.get(PAYLOADS);
  }

  /// The pickles of an archive of torch 2.6.
  static byte[] pickle(byte[] torchSave) {
    return entries(torchSave).entrySet().stream().filter(e -> e.getKey().endsWith(PICKLE)).findFirst().orElseThrow()
        .getValue();
  }

  private static SequencedMap<String, byte[]> with(Map<String, byte[]> entries, String name, byte[] content) {
    var changed = new LinkedHashMap<>(entries);
    changed.put(name, content);
    return changed;
  }

  /// The entries of a sound zip file.
  static SequencedMap<String, byte[]> entries(Path file) {
    var entries = new LinkedHashMap<String, byte[]>();
    try (var zip = new ZipFile(file.toFile())) {
      for (var e : java.util.Collections.list(zip.entries())) {
        try (var in = zip.getInputStream(e)) {
          entries.put(e.getName(), in.readAllBytes());
        }
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return entries;
  }

  /// The same of bytes; entries must say their sizes before their content.
  private static SequencedMap<String, byte[]> entries(byte[] file) {
    try {
      var path = java.nio.file.Files.createTempFile("inner", ".zip");
      try {
        java.nio.file.Files.write(path, file);
        return entries(path);
      } finally {
        java.nio.file.Files.delete(path);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static MemorySegment zip(SequencedMap<String, byte[]> entries, Arena arena) {
    int size = 22;
    for (var e : entries.entrySet()) {
      size += 76 + 2 * e.getKey().length() + e.getValue().length;
    }
    MemorySegment memory = arena.allocate(size, 64);
    var out = memory.asByteBuffer().order(ByteOrder.LITTLE_ENDIAN);
    var directory = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    for (var e : entries.entrySet()) {
      byte[] name = e.getKey().getBytes(StandardCharsets.UTF_8);
      byte[] content = e.getValue();
      var crc = new CRC32();
      crc.update(content);
      directory.putInt(0x02014b50).putShort((short) 20).putShort((short) 20).putInt(0).putInt(0)
          .putInt((int) crc.getValue()).putInt(content.length).putInt(content.length).putShort((short) name.length)
          .putLong(0).putInt(0).putInt(out.position()).put(name);
      out.putInt(0x04034b50).putShort((short) 20).putInt(0).putInt(0).putInt((int) crc.getValue())
          .putInt(content.length).putInt(content.length).putShort((short) name.length).putShort((short) 0).put(name)
          .put(content);
    }
    int start = out.position();
    directory.flip();
    int length = directory.remaining();
    out.put(directory).putInt(0x06054b50).putInt(0).putShort((short) entries.size())
        .putShort((short) entries.size()).putInt(length).putInt(start).putShort((short) 0);
    return memory.asSlice(0, out.position());
  }
}
