package dev.deepstack.conformance;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;

/// Files that look like models and are broken or hostile.
final class BadModels {
  private static final int BOMB_BYTES = 400 << 20;
  private static final Path GOOD = Checkout.ROOT.resolve("conformance/fixtures/pt2/llama_kv/model.pt2");
  private static final Path OLD = Checkout.ROOT.resolve("conformance/fixtures/pt2/llama_kv/model.torch2.6.pt2");

  private BadModels() {}

  /// Every kind, written to `folder`, by what is wrong with it.
  static Map<String, Path> write(Path folder) throws IOException {
    byte[] good = Files.readAllBytes(GOOD);
    var bad = new LinkedHashMap<String, Path>();
    bad.put("empty", file(folder, "empty", new byte[0]));
    bad.put("truncated", file(folder, "truncated", java.util.Arrays.copyOf(good, good.length / 2)));
    bad.put("text", file(folder, "text", "this is no model".getBytes(StandardCharsets.UTF_8)));
    byte[] flipped = good.clone();
    for (int i = 1000; i < flipped.length; i += 1999) {
      flipped[i] ^= 0x10;
    }
    bad.put("flipped", file(folder, "flipped", flipped));
    bad.put("escaping", zip(folder, "escaping", Map.of("../../outside", new byte[] {1})));
    bad.put("wrong version", zip(folder, "version", replaced(GOOD, "archive_version", "9".getBytes(
        StandardCharsets.UTF_8))));
    bad.put("code in pickle", zip(folder, "pickle", replaced(OLD, "serialized_state_dict.pt", evilState())));
    bad.put("bomb", bomb(folder));
    return bad;
  }

  private static Path file(Path folder, String name, byte[] bytes) throws IOException {
    return Files.write(folder.resolve(name + ".pt2"), bytes);
  }

  /// The entries of an archive with one of them, by the end of its name, replaced.
  private static Map<String, byte[]> replaced(Path archive, String name, byte[] content) throws IOException {
    var entries = new LinkedHashMap<String, byte[]>();
    try (var zip = new ZipFile(archive.toFile())) {
      for (ZipEntry e : java.util.Collections.list(zip.entries())) {
        entries.put(e.getName(), e.getName().endsWith(name) ? content : zip.getInputStream(e).readAllBytes());
      }
    }
    return entries;
  }

  private static Path zip(Path folder, String name, Map<String, byte[]> entries) throws IOException {
    return file(folder, name, stored(entries));
  }

  private static byte[] stored(Map<String, byte[]> entries) throws IOException {
    var bytes = new ByteArrayOutputStream();
    try (var zip = new ZipOutputStream(bytes)) {
      for (var e : entries.entrySet()) {
        var entry = new ZipEntry(e.getKey());
        var crc = new CRC32();
        crc.update(e.getValue());
        entry.setMethod(ZipEntry.STORED);
        entry.setSize(e.getValue().length);
        entry.setCrc(crc.getValue());
        zip.putNextEntry(entry);
        zip.write(e.getValue());
        zip.closeEntry();
      }
    }
    return bytes.toByteArray();
  }

  /// A pickle that would run a command if it were unpickled.
  private static byte[] evilState() throws IOException {
    var pickle = new ByteArrayOutputStream();
    pickle.write(new byte[] {(byte) 0x80, 2});
    pickle.write("cos\nsystem\n".getBytes(StandardCharsets.US_ASCII));
    pickle.write(new byte[] {'X', 4, 0, 0, 0});
    pickle.write("true".getBytes(StandardCharsets.US_ASCII));
    pickle.write(new byte[] {(byte) 0x85, 'R', '.'});
    var entries = new LinkedHashMap<String, byte[]>();
    entries.put("archive/data.pkl", pickle.toByteArray());
    entries.put("archive/version", "3\n".getBytes(StandardCharsets.US_ASCII));
    return stored(entries);
  }

  private static Path bomb(Path folder) throws IOException {
    Path file = folder.resolve("bomb.pt2");
    try (var zip = new ZipOutputStream(Files.newOutputStream(file))) {
      zip.putNextEntry(new ZipEntry("serialized_exported_program.json"));
      byte[] zeros = new byte[1 << 20];
      for (int i = 0; i < BOMB_BYTES / zeros.length; i++) {
        zip.write(zeros);
      }
      zip.closeEntry();
    }
    return file;
  }
}
