package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.SequencedMap;

/// One file of a model: its metadata and its tensors, all checked before a tensor is made.
///
/// ```
/// "GGUF" | u32 version | u64 tensors | u64 entries | entries | infos | padding | data
/// entry = text key, u32 type, value
/// info  = text name, u32 rank, u64 extents (innermost first), u32 type, u64 offset
/// ```
///
/// A text is a u64 length and UTF-8 bytes; offsets count from the start of the data, in multiples of the alignment.
record GgufPart(GgufMetadata metadata, List<GgufTensor> tensors) {
  private static final int MAGIC = 'G' | 'G' << 8 | 'U' << 16 | 'F' << 24;
  private static final int KEY_MAX = 65_535;
  private static final int RANK_MAX = 4;
  private static final int ALIGNMENT = 32;
  private static final long ALIGNMENT_MAX = 1 << 20;
  private static final int ENTRY_BYTES = 8 + 4 + 1;
  private static final int INFO_BYTES = 8 + 4 + 4 + 8;

  /// What the head says of a tensor.
  private record Extent(String name, GgufType type, long[] shape, long offset, long bytes) {}

  /// @param file its name, for messages
  static GgufPart read(String file, MemorySegment bytes) {
    var cursor = new GgufCursor(file, bytes);
    if (cursor.int32("its first four bytes") != MAGIC) {
      throw cursor.broken("it does not begin with \"GGUF\"");
    }
    checkVersion(file, cursor.int32("its version"));
    int tensors = cursor.count("tensors", INFO_BYTES);
    int entries = cursor.count("metadata entries", ENTRY_BYTES);
    var metadata = new GgufMetadata(file, entries(cursor, entries));
    long alignment = alignment(cursor, metadata);
    List<Extent> infos = infos(file, cursor, tensors, alignment);
    long start = Math.ceilDiv(cursor.position(), alignment) * alignment;
    return new GgufPart(metadata, map(cursor, infos, bytes, start));
  }

  private static void checkVersion(String file, int version) {
    if (version != 0 && (version & 0xffff) == 0) {
      throw new UnsupportedModelException(
          file + " is a big-endian GGUF file, which DeepStack does not read; fetch or convert it as little-endian");
    }
    if (version == 1) {
      throw new UnsupportedModelException(file
          + " is a GGUF file of version 1, which nobody has written since 2023; convert the model again");
    }
    if (version != 2 && version != 3) {
      throw new UnsupportedModelException(file + " is a GGUF file of version " + Integer.toUnsignedString(version)
          + " where 2 and 3 can be read; fetch a file of version 3");
    }
  }

  private static SequencedMap<String, GgufValue> entries(GgufCursor cursor, int count) {
    var entries = new LinkedHashMap<String, GgufValue>();
    for (int i = 0; i < count; i++) {
      String key = cursor.text("the key of metadata entry " + i, KEY_MAX);
      if (entries.put(key, cursor.value(key)) != null) {
        throw cursor.broken("its metadata has the entry " + GgufCursor.quote(key) + " twice");
      }
    }
    return entries;
  }

  private static long alignment(GgufCursor cursor, GgufMetadata metadata) {
    long alignment = metadata.whole("general.alignment", ALIGNMENT);
    if (alignment < 1 || alignment > ALIGNMENT_MAX || Long.bitCount(alignment) != 1) {
      throw cursor.broken("its tensors are said to lie at multiples of " + alignment + " bytes");
    }
    return alignment;
  }

  private static List<Extent> infos(String file, GgufCursor cursor, int count, long alignment) {
    var infos = new ArrayList<Extent>(count);
    var names = new HashSet<String>();
    var unreadable = new ArrayList<String>();
    for (int i = 0; i < count; i++) {
      String name = cursor.text("the name of tensor " + i, KEY_MAX);
      if (!names.add(name)) {
        throw cursor.broken("it has the tensor " + GgufCursor.quote(name) + " twice");
      }
      long[] shape = shape(cursor, name);
      int number = cursor.int32("the type of tensor " + GgufCursor.quote(name));
      long offset = cursor.int64("the offset of tensor " + GgufCursor.quote(name));
      GgufType type = GgufType.of(number).orElse(null);
      if (type == null || !type.isReadable()) {
        String missing = type == null ? "number " + Integer.toUnsignedString(number)
            : type.name().toLowerCase(Locale.ROOT);
        if (!unreadable.contains(missing)) {
          unreadable.add(missing);
        }
        continue;
      }
      if (offset < 0 || offset % alignment != 0) {
        throw cursor.broken("tensor " + GgufCursor.quote(name) + " begins at data byte "
            + Long.toUnsignedString(offset) + ", not a multiple of " + alignment);
      }
      infos.add(new Extent(name, type, shape, offset, bytes(cursor, name, type, shape)));
    }
    if (!unreadable.isEmpty()) {
      throw new UnsupportedModelException(file + " stores tensors in formats that DeepStack does not read ("
          + String.join(", ", unreadable) + "); fetch a file in q8_0, q4_k_m or another of the plain and K formats");
    }
    return infos;
  }

  private static long[] shape(GgufCursor cursor, String name) {
    int rank = cursor.int32("the rank of tensor " + GgufCursor.quote(name));
    if (rank < 0 || rank > RANK_MAX) {
      throw cursor.broken("tensor " + GgufCursor.quote(name) + " claims to have " + Integer.toUnsignedString(rank)
          + " dimensions");
    }
    var shape = new long[rank];
    for (int i = rank - 1; i >= 0; i--) {
      shape[i] = cursor.int64("the shape of tensor " + GgufCursor.quote(name));
      if (shape[i] <= 0) {
        throw cursor.broken("tensor " + GgufCursor.quote(name) + " has a dimension of "
            + Long.toUnsignedString(shape[i]));
      }
    }
    return shape;
  }

  private static long bytes(GgufCursor cursor, String name, GgufType type, long[] shape) {
    long columns = GgufType.columns(shape);
    if (columns % type.group() != 0) {
      throw cursor.broken("tensor " + GgufCursor.quote(name) + " has rows of " + columns + " elements, not whole "
          + type.name().toLowerCase(Locale.ROOT) + " blocks of " + type.group());
    }
    try {
      return type.bytes(shape);
    } catch (ArithmeticException _) {
      throw cursor.broken("the size of tensor " + GgufCursor.quote(name) + " overflows");
    }
  }

  private static List<GgufTensor> map(GgufCursor cursor, List<Extent> infos, MemorySegment bytes, long start) {
    long size = bytes.byteSize() - start;
    var ordered = infos.toArray(Extent[]::new);
    Arrays.sort(ordered, Comparator.comparingLong(Extent::offset));
    long end = 0;
    for (Extent info : ordered) {
      if (info.offset() < end) {
        throw cursor.broken("tensor " + GgufCursor.quote(info.name()) + " overlaps the one before it");
      }
      if (info.offset() > size || info.bytes() > size - info.offset()) {
        throw cursor.broken("tensor " + GgufCursor.quote(info.name()) + " ends beyond the file's " + bytes.byteSize()
            + " bytes");
      }
      end = info.offset() + info.bytes();
    }
    var tensors = new ArrayList<GgufTensor>(infos.size());
    for (Extent info : infos) {
      tensors.add(new GgufTensor(
          info.name(), info.type(), info.shape(), bytes.asSlice(start + info.offset(), info.bytes())));
    }
    return List.copyOf(tensors);
  }

  /// Refuses with the name of this file.
  static MalformedModelException mismatch(String file, String what) {
    return new MalformedModelException(file + " does not belong to the other parts of its model: " + what
        + "; fetch all parts of one version");
  }
}
