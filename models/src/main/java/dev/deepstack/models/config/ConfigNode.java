package dev.deepstack.models.config;

import dev.deepstack.tensor.MalformedModelException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// One object of config.json, read by key with the type and range that a key must have. A key whose value is null
/// counts as absent.
final class ConfigNode {
  /// Larger than any width, count or length of a real model; sums of a few stay within an int.
  private static final long NUMBER_MAX = 1L << 28;

  private final String source;
  private final JsonNode node;

  /// @param source names the file in messages
  ConfigNode(String source, JsonNode node) {
    this.source = source;
    this.node = node;
  }

  String source() {
    return source;
  }

  boolean has(String key) {
    return node.has(key) && !node.get(key).isNull();
  }

  /// Whether the key is there, be it with null.
  boolean mentions(String key) {
    return node.has(key);
  }

  /// The first of the keys that is there, or the last one.
  String firstOf(String... keys) {
    for (String key : keys) {
      if (has(key)) {
        return key;
      }
    }
    return keys[keys.length - 1];
  }

  /// A whole number from 1 on.
  int count(String key) {
    if (!has(key)) {
      throw broken("has no \"" + key + "\"");
    }
    return number(key, 1);
  }

  int count(String key, int otherwise) {
    return has(key) ? number(key, 1) : otherwise;
  }

  /// A whole number from 0 on.
  int countOrZero(String key, int otherwise) {
    return has(key) ? number(key, 0) : otherwise;
  }

  private int number(String key, int least) {
    JsonNode value = node.get(key);
    boolean whole = value.isIntegralNumber() || value.isFloatingPointNumber() && value.asDouble() == value.asLong(0);
    long number = whole ? value.asLong(0) : -1;
    if (!whole || number < least || number >= NUMBER_MAX) {
      throw broken("says " + key + " is " + value + ", not a whole number from " + least + " on");
    }
    return (int) number;
  }

  double real(String key, double otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    JsonNode value = node.get(key);
    if (!value.isNumber() || !Double.isFinite(value.asDouble())) {
      throw broken("says " + key + " is " + value + ", not a number");
    }
    return value.asDouble();
  }

  double real(String key) {
    if (!has(key)) {
      throw broken("has no \"" + key + "\"");
    }
    return real(key, 0);
  }

  /// A number above zero.
  double positive(String key, double otherwise) {
    double value = real(key, otherwise);
    if (!(value > 0)) {
      throw broken("says " + key + " is " + value + ", not a number above 0");
    }
    return value;
  }

  boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!node.get(key).isBoolean()) {
      throw broken("says " + key + " is " + node.get(key) + ", not true or false");
    }
    return node.get(key).asBoolean();
  }

  String text(String key, String otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!node.get(key).isString()) {
      throw broken("says " + key + " is " + node.get(key) + ", not a text");
    }
    return node.get(key).asString();
  }

  List<String> texts(String key) {
    var texts = new ArrayList<String>();
    for (JsonNode item : list(key)) {
      if (!item.isString()) {
        throw broken("holds " + item + " in " + key + ", not a text");
      }
      texts.add(item.asString());
    }
    return texts;
  }

  /// Whole numbers from 0 on, given as a list or as one number; empty when absent.
  List<Integer> numbers(String key) {
    if (has(key) && node.get(key).isIntegralNumber()) {
      return List.of(number(key, 0));
    }
    var numbers = new ArrayList<Integer>();
    for (JsonNode item : list(key)) {
      if (!item.isIntegralNumber() || item.asLong(-1) < 0 || item.asLong(-1) >= NUMBER_MAX) {
        throw broken("holds " + item + " in " + key + ", not a whole number from 0 on");
      }
      numbers.add((int) item.asLong(0));
    }
    return numbers;
  }

  /// Numbers above zero.
  List<Double> reals(String key) {
    var numbers = new ArrayList<Double>();
    for (JsonNode item : list(key)) {
      if (!item.isNumber() || !Double.isFinite(item.asDouble()) || !(item.asDouble() > 0)) {
        throw broken("holds " + item + " in " + key + ", not a number above 0");
      }
      numbers.add(item.asDouble());
    }
    return numbers;
  }

  private Iterable<JsonNode> list(String key) {
    if (!has(key)) {
      return List.of();
    }
    if (!node.get(key).isArray()) {
      throw broken("says " + key + " is " + node.get(key) + ", not a list");
    }
    return node.get(key);
  }

  /// The object under a key, or null.
  @Nullable ConfigNode object(String key) {
    if (!has(key)) {
      return null;
    }
    if (!node.get(key).isObject()) {
      throw broken("says " + key + " is " + node.get(key) + ", not an object");
    }
    return new ConfigNode(source, node.get(key));
  }

  /// An error that says what is wrong with the file.
  MalformedModelException broken(String what) {
    return new MalformedModelException(source + " " + what + "; fetch the model again or mend the file");
  }
}
