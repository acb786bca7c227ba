package dev.deepstack.importer.gguf;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_DOUBLE_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import dev.deepstack.tensor.MalformedModelException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;

/// Reads the head of a GGUF file from front to back; nothing is allocated for a count that the file is too short for.
final class GgufCursor {
  private static final int QUOTE_MAX = 80;
  private static final int NESTING_MAX = 4;
  private static final int TEXT_MAX = Integer.MAX_VALUE - 8;

  private final String file;
  private final MemorySegment bytes;
  private long at;

  GgufCursor(String file, MemorySegment bytes) {
    this.file = file;
    this.bytes = bytes;
  }

  long position() {
    return at;
  }

  long left() {
    return bytes.byteSize() - at;
  }

  int int32(String what) {
    return bytes.get(JAVA_INT_UNALIGNED, advance(4, what));
  }

  long int64(String what) {
    return bytes.get(JAVA_LONG_UNALIGNED, advance(8, what));
  }

  /// The number of things of at least `width` bytes each that follow.
  int count(String what, int width) {
    long count = int64("the number of " + what);
    if (count < 0 || count > left() / width || count > TEXT_MAX) {
      throw broken("it claims to hold " + Long.toUnsignedString(count) + " " + what + ", more than its "
          + bytes.byteSize() + " bytes can");
    }
    return (int) count;
  }

  String text(String what, long max) {
    long length = int64("the length of " + what);
    if (length < 0 || length > max || length > left()) {
      throw broken(what + " claims to have " + Long.toUnsignedString(length) + " bytes");
    }
    var raw = new byte[(int) length];
    MemorySegment.copy(bytes, JAVA_BYTE, advance(length, what), raw, 0, raw.length);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(raw)).toString();
    } catch (CharacterCodingException _) {
      throw broken(what + " is not UTF-8 text");
    }
  }

  /// The value of the metadata entry `key`, its type first.
  GgufValue value(String key) {
    String what = "the value of " + quote(key);
    GgufValue.Type type = type(what);
    return type == GgufValue.Type.ARRAY ? items(what, 0) : scalar(type, what);
  }

  private GgufValue.Type type(String what) {
    int number = int32(what);
    return GgufValue.Type.of(number).orElseThrow(() -> broken(
        what + " has the type " + Integer.toUnsignedString(number) + ", which the format does not have"));
  }

  private GgufValue scalar(GgufValue.Type type, String what) {
    return switch (type) {
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, UINT64, INT64 -> new GgufValue.Whole(type, whole(type, what));
      case FLOAT32, FLOAT64 -> new GgufValue.Real(type, real(type, what));
      case BOOL -> new GgufValue.Flag(whole(type, what) != 0);
      case STRING -> new GgufValue.Text(text(what, TEXT_MAX));
      case ARRAY -> throw new IllegalArgumentException(what);
    };
  }

  private GgufValue.Items items(String what, int depth) {
    GgufValue.Type type = type(what);
    int count = count("elements in " + what, type.bytes());
    return switch (type) {
      case STRING -> {
        var texts = new ArrayList<String>(count);
        for (int i = 0; i < count; i++) {
          texts.add(text("element " + i + " of " + what, TEXT_MAX));
        }
        yield new GgufValue.Texts(texts);
      }
      case ARRAY -> {
        if (depth == NESTING_MAX) {
          throw broken(what + " nests arrays deeper than " + NESTING_MAX + " levels");
        }
        var arrays = new ArrayList<GgufValue.Items>(count);
        for (int i = 0; i < count; i++) {
          arrays.add(items(what, depth + 1));
        }
        yield new GgufValue.Nested(arrays);
      }
      case FLOAT32, FLOAT64 -> {
        var reals = new double[count];
        for (int i = 0; i < count; i++) {
          reals[i] = real(type, what);
        }
        yield new GgufValue.Reals(type, reals);
      }
      case UINT8, INT8, UINT16, INT16, UINT32, INT32, BOOL, UINT64, INT64 -> {
        var wholes = new long[count];
        for (int i = 0; i < count; i++) {
          wholes[i] = whole(type, what);
        }
        yield new GgufValue.Wholes(type, wholes);
      }
    };
  }

  private long whole(GgufValue.Type type, String what) {
    long from = advance(type.bytes(), what);
    return switch (type) {
      case UINT8 -> bytes.get(JAVA_BYTE, from) & 0xff;
      case INT8 -> bytes.get(JAVA_BYTE, from);
      case UINT16 -> bytes.get(JAVA_SHORT_UNALIGNED, from) & 0xffff;
      case INT16 -> bytes.get(JAVA_SHORT_UNALIGNED, from);
      case UINT32 -> bytes.get(JAVA_INT_UNALIGNED, from) & 0xffffffffL;
      case INT32 -> bytes.get(JAVA_INT_UNALIGNED, from);
      case UINT64, INT64 -> bytes.get(JAVA_LONG_UNALIGNED, from);
      case BOOL -> {
        byte flag = bytes.get(JAVA_BYTE, from);
        if (flag != 0 && flag != 1) {
          throw broken(what + " is a bool of " + flag);
        }
        yield flag;
      }
      case FLOAT32, FLOAT64, STRING, ARRAY -> throw new IllegalArgumentException(what);
    };
  }

  private double real(GgufValue.Type type, String what) {
    long from = advance(type.bytes(), what);
    return type == GgufValue.Type.FLOAT32
        ? bytes.get(JAVA_FLOAT_UNALIGNED, from)
        : bytes.get(JAVA_DOUBLE_UNALIGNED, from);
  }

  private long advance(long width, String what) {
    if (width > left()) {
      throw broken("it ends inside " + what);
    }
    long from = at;
    at += width;
    return from;
  }

  MalformedModelException broken(String what) {
    return new MalformedModelException(
        file + " is not a usable GGUF file: " + what + "; it is truncated or damaged, fetch it again");
  }

  /// Text of the file made fit for a message: short, in quotes, without control characters.
  static String quote(String text) {
    String shown = text.length() <= QUOTE_MAX ? text : text.substring(0, QUOTE_MAX) + "…";
    return "\"" + shown.replaceAll("\\p{Cntrl}", "?") + "\"";
  }
}
