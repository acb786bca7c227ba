package dev.deepstack.text.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The values of a template and what holds for all of them. A value is [None], [Boolean], [Long] (or
/// [BigInteger] beyond), [Double], [String], [List], [Map], or something that only lives inside a template:
/// [Undefined], [Tuple], [Generated], [Namespace], [Callable].
final class Values {
  private static final int MAX_DEPTH = 200;
  private static final int MAX_BITS = 1 << 16;

  private Values() {}

  /// Plain data as a value: nothing else gets in.
  static Object of(@Nullable Object data) {
    return of(data, 0);
  }

  private static Object of(@Nullable Object data, int depth) {
    if (depth > MAX_DEPTH) {
      throw new TemplateException("the input is nested deeper than " + MAX_DEPTH);
    }
    return switch (data) {
      case null -> None.NONE;
      case Boolean flag -> flag;
      case String text -> text;
      case Byte _, Short _, Integer _, Long _ -> ((Number) data).longValue();
      case BigInteger number -> whole(number);
      case Float _, Double _ -> ((Number) data).doubleValue();
      case Collection<?> items -> {
        var list = new ArrayList<Object>(items.size());
        for (var item : items) {
          list.add(of(item, depth + 1));
        }
        yield list;
      }
      case Map<?, ?> entries -> {
        var map = new LinkedHashMap<Object, Object>();
        entries.forEach((key, value) -> map.put(String.valueOf(key), of(value, depth + 1)));
        yield map;
      }
      default -> throw new TemplateException(
          "a template's input is null, true, false, numbers, strings, lists and maps, not "
              + data.getClass().getName());
    };
  }

  static Object whole(BigInteger number) {
    if (number.bitLength() > MAX_BITS) {
      throw new TemplateException("a number has more than %d bits".formatted(MAX_BITS));
    }
    return number.bitLength() < 64 ? (Object) number.longValue() : number;
  }

  /// How messages call a value.
  static String kind(Object value) {
    return switch (value) {
      case None _ -> "none";
      case Boolean _ -> "a boolean";
      case Number _ -> "a number";
      case String _ -> "a string";
      case Tuple _ -> "a tuple";
      case List<?> _ -> "a list";
      case Map<?, ?> _ -> "a map";
      case Undefined undefined -> undefined.what() + " (undefined)";
      case Callable _ -> "a function";
      default -> "a value of another kind";
    };
  }

  static boolean isTrue(Object value) {
    return switch (value) {
      case None _ -> false;
      case Undefined _ -> false;
      case Boolean flag -> flag;
      case Long number -> number != 0;
      case Double number -> number != 0;
      case String text -> !text.isEmpty();
      case Collection<?> items -> !items.isEmpty();
      case Map<?, ?> map -> !map.isEmpty();
      default -> true;
    };
  }

  /// The items of what a loop can go through: a map's keys, a string's characters.
  static List<Object> items(Object value, Budget budget) {
    return switch (value) {
      case Undefined _ -> List.of();
      case String text -> characters(text, budget);
      case Generated generated -> generated.items();
      case List<?> list -> list(list);
      case Map<?, ?> map -> {
        budget.make(map.size());
        yield new ArrayList<>(map.keySet());
      }
      default -> throw new TemplateException("there are no items in " + kind(value));
    };
  }

  private static List<Object> characters(String text, Budget budget) {
    budget.make(text.length());
    var characters = new ArrayList<Object>();
    text.codePoints().forEach(c -> characters.add(Character.toString(c)));
    return characters;
  }

  @SuppressWarnings("unchecked")
  static List<Object> list(List<?> list) {
    return (List<Object>) list;
  }

  @SuppressWarnings("unchecked")
  static Map<Object, Object> map(Map<?, ?> map) {
    return (Map<Object, Object>) map;
  }

  static long length(Object value) {
    return switch (value) {
      case Undefined _ -> 0;
      case String text -> text.codePointCount(0, text.length());
      case Collection<?> items -> items.size();
      case Map<?, ?> map -> map.size();
      default -> throw new TemplateException("there is no length of " + kind(value));
    };
  }

  static boolean isNumber(Object value) {
    return value instanceof Number || value instanceof Boolean;
  }

  /// A whole number, `true` being 1.
  static long index(Object value, String where) {
    return switch (value) {
      case Long number -> number;
      case Boolean flag -> flag ? 1 : 0;
      case Undefined undefined -> throw undefined.error();
      default -> throw new TemplateException(where + " needs a whole number, not " + kind(value));
    };
  }

  static double real(Object value) {
    return switch (value) {
      case Number number -> number.doubleValue();
      case Boolean flag -> flag ? 1 : 0;
      default -> throw new TemplateException("a number is needed, not " + kind(value));
    };
  }

  static boolean equal(Object left, Object right, Budget budget) {
    return equal(left, right, budget, 0);
  }

  private static boolean equal(Object left, Object right, Budget budget, int depth) {
    budget.step();
    if (depth > MAX_DEPTH) {
      throw new TemplateException("values nested deeper than %d are compared".formatted(MAX_DEPTH));
    }
    if (isNumber(left) && isNumber(right)) {
      return left instanceof Double || right instanceof Double
          ? real(left) == real(right) : big(left).equals(big(right));
    }
    return switch (left) {
      case Undefined _ -> right instanceof Undefined;
      case List<?> list -> right instanceof List<?> other && list instanceof Tuple == other instanceof Tuple
          && equalItems(list(list), list(other), budget, depth);
      case Map<?, ?> map -> right instanceof Map<?, ?> other && map.size() == other.size()
          && equalEntries(map(map), map(other), budget, depth);
      default -> left.equals(right);
    };
  }

  private static boolean equalEntries(
      Map<Object, Object> left, Map<Object, Object> right, Budget budget, int depth) {
    for (var entry : left.entrySet()) {
      var other = right.get(entry.getKey());
      if (other == null || !equal(entry.getValue(), other, budget, depth + 1)) {
        return false;
      }
    }
    return true;
  }

  private static boolean equalItems(List<Object> left, List<Object> right, Budget budget, int depth) {
    if (left.size() != right.size()) {
      return false;
    }
    for (int i = 0; i < left.size(); i++) {
      if (!equal(left.get(i), right.get(i), budget, depth + 1)) {
        return false;
      }
    }
    return true;
  }

  static BigInteger big(Object value) {
    return switch (value) {
      case BigInteger number -> number;
      case Boolean flag -> flag ? BigInteger.ONE : BigInteger.ZERO;
      case Number number -> BigInteger.valueOf(number.longValue());
      default -> throw new TemplateException("a number is needed, not " + kind(value));
    };
  }

  /// Order as Python has it: numbers, strings by character, lists item by item.
  static int compare(Object left, Object right, Budget budget) {
    budget.step();
    if (isNumber(left) && isNumber(right)) {
      return left instanceof Double || right instanceof Double
          ? Double.compare(real(left) + 0.0, real(right) + 0.0) : big(left).compareTo(big(right));
    }
    if (left instanceof String text && right instanceof String other) {
      return compareText(text, other);
    }
    if (left instanceof List<?> list && right instanceof List<?> other) {
      for (int i = 0; i < Math.min(list.size(), other.size()); i++) {
        if (!equal(list(list).get(i), list(other).get(i), budget)) {
          return compare(list(list).get(i), list(other).get(i), budget);
        }
      }
      return Integer.compare(list.size(), other.size());
    }
    if (left instanceof Undefined undefined) {
      throw undefined.error();
    }
    throw new TemplateException("%s and %s have no order".formatted(kind(left), kind(right)));
  }

  private static int compareText(String left, String right) {
    int length = Math.min(left.length(), right.length());
    for (int i = 0; i < length; i++) {
      char a = left.charAt(i);
      char b = right.charAt(i);
      if (a != b) {
        boolean surrogates = Character.isSurrogate(a) != Character.isSurrogate(b);
        return surrogates ? (Character.isSurrogate(a) ? 1 : -1) : Character.compare(a, b);
      }
    }
    return Integer.compare(left.length(), right.length());
  }

  /// A key as maps hold it: numbers that are equal are one key.
  static Object key(Object value) {
    return switch (value) {
      case Double number when number == Math.rint(number) && Math.abs(number) < 1e15 -> (long) (double) number;
      case Boolean flag -> flag;
      case Tuple tuple when tuple.stream().noneMatch(Values::hasItems) -> tuple;
      case List<?> _, Map<?, ?> _ -> throw new TemplateException(kind(value) + " cannot be a key");
      default -> value;
    };
  }

  private static boolean hasItems(Object value) {
    return value instanceof Collection || value instanceof Map;
  }
}
