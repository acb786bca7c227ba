package dev.deepstack.importer.gguf;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/// A metadata value of a GGUF file.
public sealed interface GgufValue {
  /// The types of values.
  enum Type {
    UINT8(0, 1),
    INT8(1, 1),
    UINT16(2, 2),
    INT16(3, 2),
    UINT32(4, 4),
    INT32(5, 4),
    FLOAT32(6, 4),
    BOOL(7, 1),
    STRING(8, 8),
    ARRAY(9, 12),
    UINT64(10, 8),
    INT64(11, 8),
    FLOAT64(12, 8);

    private final int number;
    private final int bytes;

    Type(int number, int bytes) {
      this.number = number;
      this.bytes = bytes;
    }

    /// The type with this number.
    static Optional<Type> of(int number) {
      return Arrays.stream(values()).filter(type -> type.number == number).findFirst();
    }

    int number() {
      return number;
    }

    /// Bytes of a value; for strings and arrays the fewest.
    int bytes() {
      return bytes;
    }

    /// As in messages: `uint32`.
    String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /// The type in the file.
  Type type();

  /// An integer; a `uint64` beyond 63 bits appears negative.
  record Whole(Type type, long value) implements GgufValue {}

  /// A floating-point number.
  record Real(Type type, double value) implements GgufValue {}

  record Flag(boolean value) implements GgufValue {
    @Override
    public Type type() {
      return Type.BOOL;
    }
  }

  record Text(String value) implements GgufValue {
    @Override
    public Type type() {
      return Type.STRING;
    }
  }

  /// An array.
  sealed interface Items extends GgufValue {
    /// What its elements are.
    Type elements();

    int size();

    @Override
    default Type type() {
      return Type.ARRAY;
    }
  }

  /// Integers and booleans (0 and 1).
  record Wholes(Type elements, long[] values) implements Items {
    @Override
    public int size() {
      return values.length;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Wholes(Type e, long[] v) && e == elements && Arrays.equals(v, values);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(values);
    }
  }

  record Reals(Type elements, double[] values) implements Items {
    @Override
    public int size() {
      return values.length;
    }

    @Override
    public boolean equals(Object other) {
      return other instanceof Reals(Type e, double[] v) && e == elements && Arrays.equals(v, values);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(values);
    }
  }

  record Texts(List<String> values) implements Items {
    public Texts {
      values = List.copyOf(values);
    }

    @Override
    public Type elements() {
      return Type.STRING;
    }

    @Override
    public int size() {
      return values.size();
    }
  }

  /// Arrays in an array.
  record Nested(List<Items> values) implements Items {
    public Nested {
      values = List.copyOf(values);
    }

    @Override
    public Type elements() {
      return Type.ARRAY;
    }

    @Override
    public int size() {
      return values.size();
    }
  }

  static GgufValue of(String text) {
    return new Text(text);
  }

  static GgufValue of(boolean flag) {
    return new Flag(flag);
  }

  /// A `uint32`, the usual type of sizes.
  static GgufValue of(long number) {
    return new Whole(Type.UINT32, number);
  }

  /// A `float32`.
  static GgufValue of(double number) {
    return new Real(Type.FLOAT32, (float) number);
  }
}
