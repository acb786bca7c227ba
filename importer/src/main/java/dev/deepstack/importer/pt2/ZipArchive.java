package dev.deepstack.importer.pt2;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.SequencedMap;
import java.util.SequencedSet;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;
import org.jspecify.annotations.Nullable;

/// A zip file in memory, usually a mapped one.
///
/// Stored entries are slices of the file, never copied; deflated ones are inflated into the arena. The
/// central directory is checked as a whole when the archive is opened (see [ZipDirectory]), so that
/// afterwards every entry is known to lie inside the file, alone and under one name. Not safe for use by
/// several threads.
public final class ZipArchive {
  private static final long CRC_CHUNK_BYTES = 1 << 28;

  private final MemorySegment bytes;
  private final Place place;
  private final Arena arena;
  private final SequencedMap<String, ZipEntry> entries;
  private final Map<String, MemorySegment> contents = new HashMap<>();
  private final Map<String, Boolean> verified = new HashMap<>();

  private ZipArchive(MemorySegment bytes, Place place, Arena arena, SequencedMap<String, ZipEntry> entries) {
    this.bytes = bytes;
    this.place = place;
    this.arena = arena;
    this.entries = entries;
  }

  /// Opens an archive; `file` names it in messages. Throws `MalformedModelException` for anything but a sound
  /// zip.
  public static ZipArchive open(MemorySegment bytes, String file, Arena arena) {
    return open(bytes, new Place(file), arena, true);
  }

  /// As above; `mayInflate` false refuses compressed entries.
  static ZipArchive open(MemorySegment bytes, Place place, Arena arena, boolean mayInflate) {
    return new ZipArchive(bytes, place, arena, new ZipDirectory(bytes, place, mayInflate).read());
  }

  /// Names of all entries but folders, in the order of the central directory.
  public SequencedSet<String> names() {
    return Collections.unmodifiableSequencedMap(entries).sequencedKeySet();
  }

  /// Whether there is such an entry.
  public boolean contains(String name) {
    return entries.containsKey(name);
  }

  /// Uncompressed size in bytes.
  public long size(String name) {
    return entry(name).size();
  }

  /// The content after its checksum was compared. The same segment each time.
  public MemorySegment read(String name) {
    var content = content(name);
    if (verified.putIfAbsent(name, true) == null && crc(content) != entry(name).crc()) {
      verified.remove(name);
      throw place.in(name).malformed("its checksum does not match its content");
    }
    return content;
  }

  /// The content without reading it, for storages too large to check. The same segment as [#read].
  public MemorySegment map(String name) {
    return entry(name).deflated() ? read(name) : content(name);
  }

  /// A small text entry, or null when there is none.
  @Nullable String text(String name, int bytesMax) {
    if (!contains(name)) {
      return null;
    }
    if (size(name) > bytesMax) {
      throw place.in(name).malformed("it has " + size(name) + " bytes where a short text was expected");
    }
    return new String(read(name).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE), StandardCharsets.UTF_8);
  }

  private ZipEntry entry(String name) {
    var entry = entries.get(name);
    if (entry == null) {
      throw place.malformed("it has no entry " + Place.quote(name));
    }
    return entry;
  }

  private MemorySegment content(String name) {
    var known = contents.get(name);
    if (known != null) {
      return known;
    }
    var entry = entry(name);
    var raw = bytes.asSlice(entry.dataOffset(), entry.compressedSize());
    var content = (entry.deflated() ? inflate(entry, raw) : raw).asReadOnly();
    contents.put(name, content);
    return content;
  }

  private MemorySegment inflate(ZipEntry entry, MemorySegment raw) {
    var target = arena.allocate(entry.size());
    try (var inflater = new Inflater(true)) {
      inflater.setInput(raw.asByteBuffer());
      var buffer = target.asByteBuffer();
      int written = 1;
      while (buffer.hasRemaining() && written > 0) {
        written = inflater.inflate(buffer);
      }
      // Only a probe after the last byte tells a stream that ends here from one that goes on.
      boolean more = !inflater.finished() && inflater.inflate(new byte[1]) > 0;
      if (buffer.hasRemaining() || more || !inflater.finished() || inflater.getRemaining() != 0) {
        throw place.in(entry.name()).malformed("it does not inflate to its stated size");
      }
    } catch (DataFormatException e) {
      throw place.in(entry.name()).malformed("its compressed data are broken", e);
    }
    return target;
  }

  private static long crc(MemorySegment content) {
    var crc = new CRC32();
    for (long at = 0; at < content.byteSize(); at += CRC_CHUNK_BYTES) {
      crc.update(content.asSlice(at, Math.min(CRC_CHUNK_BYTES, content.byteSize() - at)).asByteBuffer());
    }
    return crc.getValue();
  }
}
