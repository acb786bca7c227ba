package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.MalformedModelException;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// The metadata of a GGUF file, with readers that complain about the file by name.
public final class GgufMetadata {
  private final String file;
  private final SequencedMap<String, GgufValue> values;

  /// @param file its name, for messages
  public GgufMetadata(String file, SequencedMap<String, GgufValue> values) {
    this.file = file;
    this.values = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(values));
  }

  /// All entries in the order of the file.
  public SequencedMap<String, GgufValue> values() {
    return values;
  }

  public boolean has(String key) {
    return values.containsKey(key);
  }

  /// @throws MalformedModelException when it is missing or no text
  public String text(String key) {
    return require(key, textOrNull(key));
  }

  public @Nullable String textOrNull(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case GgufValue.Text(String text) -> text;
      case GgufValue other -> throw wrong(key, "text", other);
    };
  }

  /// @throws MalformedModelException when it is missing or no integer
  public long whole(String key) {
    return require(key, wholeOrNull(key));
  }

  public long whole(String key, long missing) {
    Long value = wholeOrNull(key);
    return value == null ? missing : value;
  }

  public @Nullable Long wholeOrNull(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case GgufValue.Whole(_, long value) -> value;
      case GgufValue other -> throw wrong(key, "an integer", other);
    };
  }

  /// @throws MalformedModelException when it is missing or no number
  public double real(String key) {
    return require(key, realOrNull(key));
  }

  public double real(String key, double missing) {
    Double value = realOrNull(key);
    return value == null ? missing : value;
  }

  public @Nullable Double realOrNull(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case GgufValue.Real(_, double value) -> value;
      case GgufValue.Whole(_, long value) -> (double) value;
      case GgufValue other -> throw wrong(key, "a number", other);
    };
  }

  public boolean flag(String key, boolean missing) {
    Boolean value = flagOrNull(key);
    return value == null ? missing : value;
  }

  public @Nullable Boolean flagOrNull(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case GgufValue.Flag(boolean value) -> value;
      case GgufValue other -> throw wrong(key, "true or false", other);
    };
  }

  /// Empty where there is no such entry.
  public List<String> texts(String key) {
    return switch (values.get(key)) {
      case null -> List.of();
      case GgufValue.Texts(List<String> texts) -> texts;
      case GgufValue other -> throw wrong(key, "an array of texts", other);
    };
  }

  /// An array of integers or booleans, or null where there is no such entry.
  public long @Nullable [] wholes(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case GgufValue.Wholes(_, long[] wholes) -> wholes.clone();
      case GgufValue other -> throw wrong(key, "an array of integers", other);
    };
  }

  /// An array of numbers, or null where there is no such entry.
  public double @Nullable [] reals(String key) {
    return switch (values.get(key)) {
      case null -> null;
      case GgufValue.Reals(_, double[] reals) -> reals.clone();
      case GgufValue other -> throw wrong(key, "an array of numbers", other);
    };
  }

  /// The entries as the types of the language: texts, [Long], [Double], [Boolean], lists of texts or lists, `int[]` (or
  /// `long[]` where a value needs it), `float[]`. Rooms that know nothing of GGUF files take them so.
  public SequencedMap<String, Object> plain() {
    var plain = new LinkedHashMap<String, Object>();
    values.forEach((key, value) -> plain.put(key, plain(value)));
    return plain;
  }

  private static Object plain(GgufValue value) {
    return switch (value) {
      case GgufValue.Whole(_, long number) -> number;
      case GgufValue.Real(_, double number) -> number;
      case GgufValue.Flag(boolean flag) -> flag;
      case GgufValue.Text(String text) -> text;
      case GgufValue.Texts(List<String> texts) -> texts;
      case GgufValue.Nested(List<GgufValue.Items> items) -> items.stream().map(GgufMetadata::plain).toList();
      case GgufValue.Wholes(_, long[] wholes) -> {
        boolean narrow = Arrays.stream(wholes).allMatch(w -> w == (int) w);
        yield narrow ? Arrays.stream(wholes).mapToInt(w -> (int) w).toArray() : wholes.clone();
      }
      case GgufValue.Reals(_, double[] reals) -> {
        var floats = new float[reals.length];
        for (int i = 0; i < reals.length; i++) {
          floats[i] = (float) reals[i];
        }
        yield floats;
      }
    };
  }

  private <T> T require(String key, @Nullable T value) {
    if (value == null) {
      throw new MalformedModelException(
          file + " has no metadata entry " + key + "; it was not written for this kind of model, fetch another file");
    }
    return value;
  }

  private MalformedModelException wrong(String key, String expected, GgufValue value) {
    return new MalformedModelException(file + ": its metadata entry " + key + " is of type " + value.type().text()
        + " where " + expected + " is expected; fetch another file");
  }
}
