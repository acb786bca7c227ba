package dev.deepstack.text.template;

import java.math.BigInteger;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/// The tests behind `is`.
final class Tests {
  private final Operators operators;

  Tests(Operators operators) {
    this.operators = operators;
  }

  boolean test(String name, Object value, Arguments arguments) {
    return switch (name) {
      case "defined" -> none(name, arguments) && !(value instanceof Undefined);
      case "undefined" -> none(name, arguments) && value instanceof Undefined;
      case "none" -> none(name, arguments) && value == None.NONE;
      case "boolean" -> none(name, arguments) && value instanceof Boolean;
      case "true" -> none(name, arguments) && value.equals(true);
      case "false" -> none(name, arguments) && value.equals(false);
      case "integer" -> none(name, arguments) && (value instanceof Long || value instanceof BigInteger);
      case "float" -> none(name, arguments) && value instanceof Double;
      case "number" -> none(name, arguments) && Values.isNumber(value);
      case "string" -> none(name, arguments) && value instanceof String;
      case "mapping" -> none(name, arguments) && value instanceof Map;
      case "sequence" -> none(name, arguments) && (value instanceof String || value instanceof List
          || value instanceof Map || value instanceof Undefined);
      case "iterable" -> none(name, arguments) && (value instanceof String || value instanceof List
          || value instanceof Map || value instanceof Undefined || value instanceof Generated);
      case "callable" -> none(name, arguments) && value instanceof Callable;
      case "escaped" -> false;
      case "lower" -> none(name, arguments) && value instanceof String text && TextMethods.cased(text)
          && text.equals(text.toLowerCase(Locale.ROOT));
      case "upper" -> none(name, arguments) && value instanceof String text && TextMethods.cased(text)
          && text.equals(text.toUpperCase(Locale.ROOT));
      case "odd" -> none(name, arguments) && Math.floorMod(Values.index(value, name), 2L) == 1;
      case "even" -> none(name, arguments) && Math.floorMod(Values.index(value, name), 2L) == 0;
      case "divisibleby" -> {
        long by = Values.index(one(name, arguments), name);
        if (by == 0) {
          throw new TemplateException("a number is divided by zero");
        }
        yield Values.index(value, name) % by == 0;
      }
      case "in" -> operators.contains(one(name, arguments), value);
      case "sameas" -> same(value, one(name, arguments));
      case "eq", "equalto", "==" -> operators.compare("==", value, one(name, arguments));
      case "ne", "!=" -> operators.compare("!=", value, one(name, arguments));
      case "lt", "lessthan", "<" -> operators.compare("<", value, one(name, arguments));
      case "le", "<=" -> operators.compare("<=", value, one(name, arguments));
      case "gt", "greaterthan", ">" -> operators.compare(">", value, one(name, arguments));
      case "ge", ">=" -> operators.compare(">=", value, one(name, arguments));
      default -> throw new TemplateException("there is no test '" + name + "'");
    };
  }

  /// Small values are one object in Python, so that `1 is sameas 1` holds.
  @SuppressWarnings("ReferenceEquality")
  private static boolean same(Object value, Object other) {
    return value instanceof List || value instanceof Map ? value == other : value.equals(other);
  }

  private static boolean none(String name, Arguments arguments) {
    arguments.bind(name);
    return true;
  }

  private static Object one(String name, Arguments arguments) {
    return arguments.bind(name, "other").get("other");
  }
}
