package dev.deepstack.importer.pt2;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import java.util.zip.CRC32;
import java.util.zip.Deflater;
import java.util.zip.ZipFile;

/// Writes zip files in which everything can be wrong on purpose.
final class TestZip {
  /// One entry. Fields of the directory and of the local header can be set apart.
  static final class Entry {
    byte[] centralName;
    byte[] localName;
    byte[] data;
    int method;
    int flags = 0x800;
    long crc;
    long centralSize;
    long localSize;
    long centralCompressed;
    long localCompressed;
    long offset;
    boolean moved;
  }

  final List<Entry> entries = new ArrayList<>();
  byte[] before = {};
  byte[] after = {};
  int count = -1;

  /// All entries of an existing file, stored.
  static TestZip copyOf(Path file) {
    var zip = new TestZip();
    try (var source = new ZipFile(file.toFile())) {
      source.stream().forEach(entry -> {
        try (var in = source.getInputStream(entry)) {
          zip.add(entry.getName(), in.readAllBytes());
        } catch (IOException e) {
          throw new UncheckedIOException(e);
        }
      });
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return zip;
  }

  static TestZip copyOf(byte[] file) {
    try {
      var path = Files.createTempFile("inner", ".zip");
      Files.write(path, file);
      var zip = copyOf(path);
      Files.delete(path);
      return zip;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  TestZip add(String name, byte[] data) {
    return add(name, data, _ -> {});
  }

  TestZip add(String name, String text) {
    return add(name, text.getBytes(StandardCharsets.UTF_8));
  }

  TestZip add(String name, byte[] data, Consumer<Entry> spoil) {
    return add(name, data, data, 0, spoil);
  }

  TestZip deflate(String name, byte[] data, Consumer<Entry> spoil) {
    var deflater = new Deflater(9, true);
    deflater.setInput(data);
    deflater.finish();
    var out = new ByteArrayOutputStream();
    var buffer = new byte[1 << 16];
    while (!deflater.finished()) {
      out.write(buffer, 0, deflater.deflate(buffer));
    }
    deflater.end();
    return add(name, data, out.toByteArray(), 8, spoil);
  }

  private TestZip add(String name, byte[] data, byte[] stored, int method, Consumer<Entry> spoil) {
    var entry = new Entry();
    var crc = new CRC32();
    crc.update(data);
    entry.centralName = name.getBytes(StandardCharsets.UTF_8);
    entry.localName = entry.centralName;
    entry.data = stored;
    entry.method = method;
    entry.crc = crc.getValue();
    entry.centralSize = data.length;
    entry.localSize = data.length;
    entry.centralCompressed = stored.length;
    entry.localCompressed = stored.length;
    spoil.accept(entry);
    entries.add(entry);
    return this;
  }

  byte[] data(String name) {
    return entries.stream()
        .filter(entry -> new String(entry.centralName, StandardCharsets.UTF_8).equals(name))
        .findFirst().orElseThrow().data;
  }

  String text(String name) {
    return new String(data(name), StandardCharsets.UTF_8);
  }

  /// Removes an entry, and says whether it was there.
  boolean remove(String name) {
    return entries.removeIf(entry -> new String(entry.centralName, StandardCharsets.UTF_8).equals(name));
  }

  TestZip replace(String name, byte[] data) {
    if (!remove(name)) {
      throw new IllegalArgumentException(name);
    }
    return add(name, data);
  }

  TestZip replace(String name, String text) {
    return replace(name, text.getBytes(StandardCharsets.UTF_8));
  }

  byte[] bytes() {
    int size = before.length + after.length + 22;
    for (var entry : entries) {
      size += 76 + entry.localName.length + entry.centralName.length + entry.data.length;
    }
    var out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN).put(before);
    for (var entry : entries) {
      entry.offset = entry.moved ? entry.offset : out.position();
      out.putInt(0x04034b50).putShort((short) 20).putShort((short) entry.flags)
          .putShort((short) entry.method);
      out.putInt(0).putInt((int) entry.crc).putInt((int) entry.localCompressed).putInt((int) entry.localSize);
      out.putShort((short) entry.localName.length).putShort((short) 0).put(entry.localName).put(entry.data);
    }
    int directory = out.position();
    for (var entry : entries) {
      out.putInt(0x02014b50).putShort((short) 20).putShort((short) 20).putShort((short) entry.flags);
      out.putShort((short) entry.method).putInt(0).putInt((int) entry.crc)
          .putInt((int) entry.centralCompressed);
      out.putInt((int) entry.centralSize).putShort((short) entry.centralName.length).putShort((short) 0);
      out.putShort((short) 0).putShort((short) 0).putShort((short) 0).putInt(0).putInt((int) entry.offset);
      out.put(entry.centralName);
    }
    int end = out.position();
    short entryCount = (short) (count < 0 ? entries.size() : count);
    out.putInt(0x06054b50).putInt(0).putShort(entryCount).putShort(entryCount).putInt(end - directory);
    out.putInt(directory).putShort((short) 0).put(after);
    return out.array();
  }
}
