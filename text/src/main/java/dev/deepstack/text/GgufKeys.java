package dev.deepstack.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Typed access to the tokenizer's keys of a GGUF file.
record GgufKeys(String name, Map<String, ?> metadata) {
  private static final String PREFIX = "tokenizer.ggml.";

  TokenizerData read() {
    var model = string("model");
    if (model == null) {
      throw broken("model", "is missing: the file has no tokenizer");
    }
    var pre = string("pre");
    return new TokenizerData(
        name, model, pre, strings("tokens"), floats("scores"), ints("token_type"), strings("merges"),
        number("bos_token_id"), number("eos_token_id"), number("unknown_token_id"),
        flag("add_bos_token"), flag("add_eos_token"), flag("add_space_prefix"));
  }

  private @Nullable Object value(String key) {
    return metadata.get(PREFIX + key);
  }

  private TokenizerException broken(String key, String problem) {
    return new TokenizerException("%s: %s%s %s".formatted(name, PREFIX, key, problem));
  }

  private @Nullable String string(String key) {
    var value = value(key);
    if (value != null && !(value instanceof String)) {
      throw broken(key, "must be a string");
    }
    return (String) value;
  }

  private @Nullable Boolean flag(String key) {
    var value = value(key);
    if (value != null && !(value instanceof Boolean)) {
      throw broken(key, "must be true or false");
    }
    return (Boolean) value;
  }

  private @Nullable Integer number(String key) {
    var value = value(key);
    if (value == null) {
      return null;
    }
    if (!(value instanceof Number number)
        || number.longValue() < 0 || number.longValue() > Vocabulary.MAX_ID) {
      throw broken(key, "must be a whole number from 0 to " + Vocabulary.MAX_ID);
    }
    return number.intValue();
  }

  private List<String> strings(String key) {
    return switch (value(key)) {
      case null -> List.of();
      case String[] array -> List.of(array);
      case List<?> list -> {
        var strings = new ArrayList<String>(list.size());
        for (var element : list) {
          if (!(element instanceof String string)) {
            throw broken(key, "must hold strings only");
          }
          strings.add(string);
        }
        yield strings;
      }
      default -> throw broken(key, "must be an array of strings");
    };
  }

  private float[] floats(String key) {
    return switch (value(key)) {
      case null -> new float[0];
      case float[] array -> array;
      case double[] array -> {
        var floats = new float[array.length];
        for (int i = 0; i < floats.length; i++) {
          floats[i] = (float) array[i];
        }
        yield floats;
      }
      case List<?> list -> {
        var floats = new float[list.size()];
        for (int i = 0; i < floats.length; i++) {
          floats[i] = element(key, list.get(i)).floatValue();
        }
        yield floats;
      }
      default -> throw broken(key, "must be an array of numbers");
    };
  }

  private int[] ints(String key) {
    return switch (value(key)) {
      case null -> new int[0];
      case int[] array -> array;
      case long[] array -> Arrays.stream(array)
          .mapToInt(value -> (int) Math.clamp(value, Integer.MIN_VALUE, (long) Integer.MAX_VALUE)).toArray();
      case List<?> list -> {
        var ints = new int[list.size()];
        for (int i = 0; i < ints.length; i++) {
          ints[i] = element(key, list.get(i)).intValue();
        }
        yield ints;
      }
      default -> throw broken(key, "must be an array of whole numbers");
    };
  }

  private Number element(String key, @Nullable Object element) {
    if (!(element instanceof Number number)) {
      throw broken(key, "must hold numbers only");
    }
    return number;
  }
}
