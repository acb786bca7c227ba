package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.MalformedModelException;
import org.jspecify.annotations.Nullable;

/// The metadata that describes a decoder: keys that begin with the architecture's name, and the checks of their
/// values.
final class GgufKeys {
  private static final int COUNT_MAX = 1 << 30;

  private final GgufFile file;
  private final String architecture;

  GgufKeys(GgufFile file) {
    this.file = file;
    this.architecture = file.metadata().text("general.architecture");
  }

  String architecture() {
    return architecture;
  }

  boolean has(String key) {
    return file.metadata().has(full(key));
  }

  /// @throws MalformedModelException when it is missing or not a sensible size
  int count(String key) {
    return checked(key, file.metadata().whole(full(key)), 1);
  }

  int count(String key, int missing) {
    return checked(key, file.metadata().whole(full(key), missing), 1);
  }

  int countOrZero(String key) {
    return checked(key, file.metadata().whole(full(key), 0), 0);
  }

  /// The value of a layer: the key holds one for all, or one for each.
  int count(String key, int layer, int layers, int missing) {
    if (!(file.metadata().values().get(full(key)) instanceof GgufValue.Items)) {
      return count(key, missing);
    }
    long[] each = file.metadata().wholes(full(key));
    if (each == null || each.length < layers) {
      throw broken(key, "has " + (each == null ? 0 : each.length) + " values for " + layers + " layers");
    }
    return checked(key, each[layer], 1);
  }

  private int checked(String key, long value, int least) {
    if (value < least || value > COUNT_MAX) {
      throw broken(key, "is " + value);
    }
    return (int) value;
  }

  double positive(String key, double missing) {
    double value = file.metadata().real(full(key), missing);
    if (!(value > 0) || Double.isInfinite(value)) {
      throw broken(key, "is " + value);
    }
    return value;
  }

  double real(String key, double missing) {
    double value = file.metadata().real(full(key), missing);
    if (!Double.isFinite(value)) {
      throw broken(key, "is " + value);
    }
    return value;
  }

  boolean flag(String key, boolean missing) {
    return file.metadata().flag(full(key), missing);
  }

  @Nullable String text(String key) {
    return file.metadata().textOrNull(full(key));
  }

  MalformedModelException broken(String key, String what) {
    return new MalformedModelException(
        file.name() + " contradicts itself: " + full(key) + " " + what + "; fetch another file");
  }

  private String full(String key) {
    return architecture + "." + key;
  }
}
