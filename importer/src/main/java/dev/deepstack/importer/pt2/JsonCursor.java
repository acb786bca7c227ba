package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.MalformedModelException;
import java.io.InputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.core.json.JsonReadFeature;

/// Walks JSON text once, front to back, with limits and with messages that name the place.
///
/// The convention of all methods: on entry the parser stands on the first token of a value, on return on its
/// last. An object is read as `for (var key = json.enter(); key != null; key = json.next())`, whose body
/// reads or skips the value of each key.
final class JsonCursor implements AutoCloseable {
  private static final JsonFactory FACTORY = JsonFactory.builder()
      .streamReadConstraints(StreamReadConstraints.builder()
          .maxNestingDepth(300)
          .maxNameLength(16_384)
          .maxNumberLength(400)
          .maxStringLength(64 << 20)
          .build())
      .enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS)
      .build();

  private final JsonParser parser;
  private final Place place;

  JsonCursor(MemorySegment text, Place place) {
    this.place = place;
    try {
      this.parser = FACTORY.createParser(ObjectReadContext.empty(), new SegmentStream(text));
      advance();
    } catch (JacksonException e) {
      throw place.malformed("it is not JSON", e);
    }
  }

  JsonCursor(String text, Place place) {
    this.place = place;
    try {
      this.parser = FACTORY.createParser(ObjectReadContext.empty(), text);
      advance();
    } catch (JacksonException e) {
      throw place.malformed("it is not JSON", e);
    }
  }

  @Override
  public void close() {
    parser.close();
  }

  /// Where the parser stands, for errors found by the caller.
  MalformedModelException malformed(String what) {
    return place.malformed("at " + Place.quote(parser.streamReadContext().pathAsPointer().toString()) + " "
        + what);
  }

  private JsonToken advance() {
    try {
      var token = parser.nextToken();
      if (token == null) {
        throw malformed("the text ends too early");
      }
      return token;
    } catch (JacksonException e) {
      throw broken(e);
    }
  }

  private MalformedModelException broken(JacksonException e) {
    var at = Place.quote(parser.streamReadContext().pathAsPointer().toString());
    return place.malformed("at " + at + " the JSON is broken (" + Place.quote(e.getOriginalMessage()) + ")",
        e);
  }

  /// Enters an object: its first key, or null for an empty one.
  @Nullable String enter() {
    expect(JsonToken.START_OBJECT, "an object");
    return next();
  }

  /// The next key of the object whose value was just read, or null at its end.
  @Nullable String next() {
    if (advance() == JsonToken.END_OBJECT) {
      return null;
    }
    var key = parser.currentName();
    advance();
    return key;
  }

  /// The single key of a union; [#leave] must follow once its value is read.
  String enterUnion() {
    var tag = enter();
    if (tag == null) {
      throw malformed("a union without a tag");
    }
    return tag;
  }

  /// Ends a union.
  void leave() {
    if (advance() != JsonToken.END_OBJECT) {
      throw malformed("a union with more than one tag");
    }
  }

  /// The items of an array.
  <T> List<T> list(Supplier<T> item) {
    expect(JsonToken.START_ARRAY, "a list");
    var items = new ArrayList<T>();
    while (advance() != JsonToken.END_ARRAY) {
      items.add(item.get());
    }
    return items;
  }

  /// An object with arbitrary keys.
  <T> SequencedMap<String, T> map(Supplier<T> value) {
    var items = new LinkedHashMap<String, T>();
    for (var key = enter(); key != null; key = next()) {
      if (items.putIfAbsent(key, value.get()) != null) {
        throw malformed("occurs twice");
      }
    }
    return items;
  }

  /// Whether the value is null (and then it is read).
  boolean isNull() {
    return parser.currentToken() == JsonToken.VALUE_NULL;
  }

  boolean isString() {
    return parser.currentToken() == JsonToken.VALUE_STRING;
  }

  boolean isStartOfObject() {
    return parser.currentToken() == JsonToken.START_OBJECT;
  }

  boolean isStartOfArray() {
    return parser.currentToken() == JsonToken.START_ARRAY;
  }

  /// The value, or null for a JSON null.
  <T> @Nullable T orNull(Supplier<T> value) {
    return isNull() ? null : value.get();
  }

  /// A signed 64-bit integer.
  long integer() {
    expect(JsonToken.VALUE_NUMBER_INT, "an integer");
    try {
      return parser.getLongValue();
    } catch (JacksonException e) {
      throw broken(e);
    }
  }

  /// A number; non-finite ones come as bare words or as strings.
  double number() {
    try {
      return switch (parser.currentToken()) {
        case VALUE_NUMBER_INT, VALUE_NUMBER_FLOAT -> parser.getDoubleValue();
        case VALUE_STRING -> switch (parser.getString()) {
          case "Infinity" -> Double.POSITIVE_INFINITY;
          case "-Infinity" -> Double.NEGATIVE_INFINITY;
          case "NaN" -> Double.NaN;
          default -> throw malformed("is a string where a number was expected");
        };
        default -> throw malformed("is not a number");
      };
    } catch (JacksonException e) {
      throw broken(e);
    }
  }

  boolean bool() {
    return switch (parser.currentToken()) {
      case VALUE_TRUE -> true;
      case VALUE_FALSE -> false;
      default -> throw malformed("is not true or false");
    };
  }

  String string() {
    expect(JsonToken.VALUE_STRING, "a string");
    try {
      return parser.getString();
    } catch (JacksonException e) {
      throw broken(e);
    }
  }

  /// Skips the value.
  void skip() {
    try {
      parser.skipChildren();
      if (parser.currentToken() == null) {
        throw malformed("the text ends too early");
      }
    } catch (JacksonException e) {
      throw broken(e);
    }
  }

  /// Insists that nothing but white space follows.
  void end() {
    try {
      if (parser.nextToken() != null) {
        throw malformed("text follows the end");
      }
    } catch (JacksonException e) {
      throw broken(e);
    }
  }

  /// A value that had to be there.
  <T> T require(@Nullable T value, String key) {
    if (value == null) {
      throw malformed("lacks \"" + key + "\"");
    }
    return value;
  }

  private void expect(JsonToken token, String what) {
    if (parser.currentToken() != token) {
      throw malformed("is not " + what);
    }
  }

  /// The bytes of a segment as a stream, so that large programs are not copied as a whole.
  private static final class SegmentStream extends InputStream {
    private final MemorySegment bytes;
    private long at;

    SegmentStream(MemorySegment bytes) {
      this.bytes = bytes;
    }

    @Override
    public int read() {
      return at == bytes.byteSize() ? -1 : bytes.get(ValueLayout.JAVA_BYTE, at++) & 0xff;
    }

    @Override
    public int read(byte[] target, int offset, int length) {
      int count = (int) Math.min(length, bytes.byteSize() - at);
      if (count == 0) {
        return length == 0 ? 0 : -1;
      }
      MemorySegment.copy(bytes, ValueLayout.JAVA_BYTE, at, target, offset, count);
      at += count;
      return count;
    }
  }
}
