package dev.deepstack.importer.pt2;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/// Reads and checks a zip's central directory against its local headers, and nothing else.
///
/// Refused: encrypted entries, other methods than stored and deflate, several volumes, local headers that say
/// something else than the directory, entries that overlap or leave the file, duplicate names, names that
/// leave a folder, and inflated sizes beyond the budget. The budget is 64 MiB plus 32 times the size of the
/// file.
final class ZipDirectory {
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final long END = 0x06054b50L;
  private static final long END_64 = 0x06064b50L;
  private static final long LOCATOR_64 = 0x07064b50L;
  private static final long CENTRAL = 0x02014b50L;
  private static final long LOCAL = 0x04034b50L;
  private static final int END_BYTES = 22;
  private static final int LOCATOR_BYTES = 20;
  private static final int CENTRAL_BYTES = 46;
  private static final int LOCAL_BYTES = 30;
  private static final int ZIP64_EXTRA = 1;
  private static final long NONE_32 = 0xffffffffL;
  private static final int ENCRYPTED = 0x2041;
  private static final int DESCRIPTOR = 8;
  private static final int NAME_MAX = 4096;
  private static final long INFLATE_BASE_BYTES = 64L << 20;
  private static final long INFLATE_RATIO_MAX = 32;

  private final MemorySegment bytes;
  private final Place place;
  private final boolean mayInflate;

  ZipDirectory(MemorySegment bytes, Place place, boolean mayInflate) {
    this.bytes = bytes;
    this.place = place;
    this.mayInflate = mayInflate;
  }

  private record Extent(long count, long offset, long size) {}

  /// All entries but folders, in directory order.
  SequencedMap<String, ZipEntry> read() {
    var extent = extent();
    if (extent.count() > extent.size() / CENTRAL_BYTES) {
      throw place.malformed("its directory states " + extent.count() + " entries but has room for fewer");
    }
    var all = new LinkedHashMap<String, ZipEntry>();
    long at = extent.offset();
    for (long i = 0; i < extent.count(); i++) {
      var entry = central(at, extent);
      if (all.putIfAbsent(entry.name(), entry) != null) {
        throw place.malformed("two entries are named " + Place.quote(entry.name()));
      }
      at += CENTRAL_BYTES + u16(at + 28) + u16(at + 30) + u16(at + 32);
    }
    if (at != extent.offset() + extent.size()) {
      throw place.malformed("its directory is not as long as stated");
    }
    checkExtents(new ArrayList<>(all.values()), extent);
    all.keySet().removeIf(name -> name.endsWith("/"));
    return all;
  }

  private void checkExtents(ArrayList<ZipEntry> entries, Extent directory) {
    entries.sort(Comparator.comparingLong(ZipEntry::headerOffset));
    long end = 0;
    long inflated = 0;
    for (var entry : entries) {
      if (entry.headerOffset() < end) {
        throw place.in(entry.name()).malformed("it overlaps another entry");
      }
      end = entry.dataOffset() + entry.compressedSize();
      inflated = entry.deflated() ? Math.addExact(inflated, entry.size()) : inflated;
    }
    if (!entries.isEmpty() && entries.getFirst().headerOffset() != 0) {
      throw place.malformed("something else precedes the archive");
    }
    if (end > directory.offset()) {
      throw place.malformed("an entry overlaps the directory");
    }
    if (inflated > INFLATE_BASE_BYTES + INFLATE_RATIO_MAX * bytes.byteSize()) {
      throw place.malformed("it would inflate to " + inflated + " bytes from " + bytes.byteSize());
    }
  }

  private Extent extent() {
    long end = endRecord();
    if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != u16(end + 10)) {
      throw place.malformed("it is one part of a split archive");
    }
    var extent = new Extent(u16(end + 10), u32(end + 16), u32(end + 12));
    long directoryEnd = end;
    long locator = end - LOCATOR_BYTES;
    if (locator >= 0 && u32(locator) == LOCATOR_64) {
      directoryEnd = u64(locator + 8);
      extent = extent64(extent, directoryEnd);
    }
    if (extent.offset() > directoryEnd || extent.size() != directoryEnd - extent.offset()) {
      throw place.malformed("its directory is not where the end of the file says");
    }
    return extent;
  }

  private Extent extent64(Extent small, long at) {
    if (u32(at) != END_64) {
      throw place.malformed("its 64-bit end record is missing");
    }
    var large = new Extent(u64(at + 32), u64(at + 48), u64(at + 40));
    if (differs(small.count(), 0xffff, large.count()) || differs(small.offset(), NONE_32, large.offset())
        || differs(small.size(), NONE_32, large.size())) {
      throw place.malformed("its two end records disagree");
    }
    return large;
  }

  private static boolean differs(long small, long none, long large) {
    return small != none && small != large;
  }

  private long endRecord() {
    long last = bytes.byteSize() - END_BYTES;
    for (long at = last; at >= 0 && at >= last - 0xffff; at--) {
      if (bytes.get(INT, at) == (int) END && u16(at + 20) == last - at) {
        return at;
      }
    }
    if (bytes.byteSize() >= 4 && u32(0) == LOCAL) {
      throw place.malformed("the end of the zip archive is missing (a download cut short?)");
    }
    throw place.malformed("it is not a zip archive, so not a .pt2 file");
  }

  private ZipEntry central(long at, Extent directory) {
    if (at > directory.offset() + directory.size() - CENTRAL_BYTES || u32(at) != CENTRAL) {
      throw place.malformed("its directory is broken");
    }
    int nameBytes = u16(at + 28);
    int extraBytes = u16(at + 30);
    if (at + CENTRAL_BYTES + nameBytes + extraBytes > directory.offset() + directory.size()) {
      throw place.malformed("its directory is broken");
    }
    var name = name(at + CENTRAL_BYTES, nameBytes);
    var here = place.in(name);
    int method = u16(at + 10);
    if ((u16(at + 8) & ENCRYPTED) != 0) {
      throw here.malformed("it is encrypted, which .pt2 files never are");
    }
    if (method != 0 && (method != 8 || !mayInflate)) {
      throw here.malformed("it is compressed by method " + method + ", which .pt2 files never are");
    }
    var wide = new Zip64(at + CENTRAL_BYTES + nameBytes, extraBytes);
    long size = wide.widen(u32(at + 24), here);
    long compressedSize = wide.widen(u32(at + 20), here);
    long header = wide.widen(u32(at + 42), here);
    if (method == 0 && size != compressedSize
        || method == 8 && Math.max(size, compressedSize) > Integer.MAX_VALUE) {
      throw here.malformed("its sizes " + compressedSize + " and " + size + " cannot be");
    }
    if (name.endsWith("/") && size != 0) {
      throw here.malformed("it is a folder with content");
    }
    long data = dataOffset(at, header, here);
    if (compressedSize > bytes.byteSize() - data) {
      throw here.malformed("it reaches beyond the end of the file");
    }
    var entry = new ZipEntry(name, method == 8, u32(at + 16), compressedSize, size, header, data);
    checkLocalSizes(entry, here);
    return entry;
  }

  /// Checks that the local header repeats what the directory says, and skips it.
  private long dataOffset(long central, long header, Place here) {
    if (header > bytes.byteSize() - LOCAL_BYTES || u32(header) != LOCAL) {
      throw here.malformed("its local header is missing");
    }
    int nameBytes = u16(central + 28);
    int agreed = ENCRYPTED | DESCRIPTOR;
    long data = header + LOCAL_BYTES + u16(header + 26) + u16(header + 28);
    boolean same = u16(header + 26) == nameBytes
        && u16(header + 8) == u16(central + 10)
        && (u16(header + 6) & agreed) == (u16(central + 8) & agreed)
        && data <= bytes.byteSize()
        && MemorySegment.mismatch(bytes, header + LOCAL_BYTES, header + LOCAL_BYTES + nameBytes,
            bytes, central + CENTRAL_BYTES, central + CENTRAL_BYTES + nameBytes) == -1;
    if (!same) {
      throw here.malformed("its local header disagrees with the directory");
    }
    return data;
  }

  private void checkLocalSizes(ZipEntry entry, Place here) {
    long header = entry.headerOffset();
    long crc = u32(header + 14);
    long compressedSize = u32(header + 18);
    long size = u32(header + 22);
    boolean later = (u16(header + 6) & DESCRIPTOR) != 0;
    if (later && crc == 0 && compressedSize == 0 && size == 0) {
      return;
    }
    long extra = header + LOCAL_BYTES + u16(header + 26);
    var wide = new Zip64(extra, (int) (entry.dataOffset() - extra));
    size = wide.widen(size, here);
    compressedSize = wide.widen(compressedSize, here);
    boolean zeros = later && size == 0 && compressedSize == 0;
    if (!(later && crc == 0) && crc != entry.crc()
        || !zeros && (size != entry.size() || compressedSize != entry.compressedSize())) {
      throw here.malformed("its local header disagrees with the directory");
    }
  }

  private String name(long at, int length) {
    var raw = bytes.asSlice(at, length).toArray(ValueLayout.JAVA_BYTE);
    String name;
    try {
      name = StandardCharsets.UTF_8.newDecoder().decode(java.nio.ByteBuffer.wrap(raw)).toString();
    } catch (CharacterCodingException e) {
      throw place.malformed("an entry's name is not UTF-8", e);
    }
    boolean escapes = name.isEmpty() || name.length() > NAME_MAX || name.startsWith("/")
        || name.indexOf('\\') >= 0 || name.indexOf('\0') >= 0 || name.matches("[A-Za-z]:.*");
    for (var part : name.split("/", -1)) {
      escapes |= part.equals("..") || part.equals(".");
    }
    if (escapes) {
      throw place.malformed("the name " + Place.quote(name) + " of an entry would leave its folder");
    }
    return name;
  }

  /// The 64-bit values of an extra field, used up in order by fields that overflowed.
  private final class Zip64 {
    private long at;
    private long end;

    Zip64(long extra, int length) {
      long stop = extra + length;
      for (long field = extra; field + 4 <= stop; field += 4 + u16(field + 2)) {
        if (u16(field) == ZIP64_EXTRA && end == 0) {
          at = field + 4;
          end = Math.min(stop, at + u16(field + 2));
        }
      }
    }

    long widen(long value, Place here) {
      if (value != NONE_32) {
        return value;
      }
      if (at + 8 > end) {
        throw here.malformed("its 64-bit size is missing");
      }
      at += 8;
      return u64(at - 8);
    }
  }

  private int u16(long at) {
    check(at, 2);
    return Short.toUnsignedInt(bytes.get(SHORT, at));
  }

  private long u32(long at) {
    check(at, 4);
    return Integer.toUnsignedLong(bytes.get(INT, at));
  }

  /// An unsigned 64-bit value; none of those beyond `Long.MAX_VALUE` makes sense.
  private long u64(long at) {
    check(at, 8);
    long value = bytes.get(LONG, at);
    if (value < 0) {
      throw place.malformed("it states a size or place beyond 2^63");
    }
    return value;
  }

  private void check(long at, int length) {
    if (at < 0 || at > bytes.byteSize() - length) {
      throw place.malformed("its directory points outside the file");
    }
  }
}
