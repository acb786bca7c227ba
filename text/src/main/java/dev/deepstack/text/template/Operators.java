package dev.deepstack.text.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// What operators do to values.
final class Operators {
  private final Budget budget;

  Operators(Budget budget) {
    this.budget = budget;
  }

  Object binary(String operator, Object left, Object right) {
    if (operator.equals("~")) {
      var first = Spelling.text(left, budget);
      var second = Spelling.text(right, budget);
      budget.make(first.length() + (long) second.length());
      return first + second;
    }
    if (left instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (right instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (operator.equals("%") && left instanceof String format) {
      return new Formatting(budget).percent(format, right);
    }
    if (Values.isNumber(left) && Values.isNumber(right)) {
      return left instanceof Double || right instanceof Double || operator.equals("/")
          ? real(operator, Values.real(left), Values.real(right))
          : whole(operator, Values.big(left), Values.big(right));
    }
    return switch (operator) {
      case "+" -> joined(left, right);
      case "*" -> left instanceof Long || left instanceof Boolean ? repeated(right, left) : repeated(left, right);
      default -> throw unfit(operator, left, right);
    };
  }

  private static TemplateException unfit(String operator, Object left, Object right) {
    return new TemplateException(
        "'%s' does not go with %s and %s".formatted(operator, Values.kind(left), Values.kind(right)));
  }

  private Object joined(Object left, Object right) {
    if (left instanceof String first && right instanceof String second) {
      budget.make(first.length() + (long) second.length());
      return first + second;
    }
    if (left instanceof List<?> first && right instanceof List<?> second
        && first instanceof Tuple == second instanceof Tuple) {
      budget.make(first.size() + (long) second.size());
      var all = new ArrayList<Object>(first);
      all.addAll(second);
      return first instanceof Tuple ? new Tuple(all) : all;
    }
    throw unfit("+", left, right);
  }

  private Object repeated(Object value, Object times) {
    if (!(times instanceof Long) && !(times instanceof Boolean)) {
      throw unfit("*", value, times);
    }
    long count = Math.max(0, Values.index(times, "'*'"));
    if (value instanceof String text) {
      makeTimes(text.length(), count);
      return text.repeat((int) count);
    }
    if (value instanceof List<?> list) {
      makeTimes(list.size(), count);
      var all = new ArrayList<Object>();
      for (long i = 0; i < count; i++) {
        all.addAll(list);
      }
      return list instanceof Tuple ? new Tuple(all) : all;
    }
    throw unfit("*", value, times);
  }

  private void makeTimes(long size, long count) {
    budget.make(count > Integer.MAX_VALUE ? Long.MAX_VALUE / 2 : Math.max(size, 1) * count);
  }

  private static Object real(String operator, double left, double right) {
    if (right == 0 && "/%//".contains(operator)) {
      throw new TemplateException("a number is divided by zero");
    }
    return switch (operator) {
      case "+" -> left + right;
      case "-" -> left - right;
      case "*" -> left * right;
      case "/" -> left / right;
      case "//" -> Math.floor(left / right);
      case "%" -> left - Math.floor(left / right) * right;
      case "**" -> Math.pow(left, right);
      default -> throw new TemplateException("'" + operator + "' is not an operator of numbers");
    };
  }

  private Object whole(String operator, BigInteger left, BigInteger right) {
    boolean divides = operator.equals("//") || operator.equals("%");
    if (divides && right.signum() == 0) {
      throw new TemplateException("a number is divided by zero");
    }
    budget.make((left.bitLength() + right.bitLength()) / 64);
    return Values.whole(switch (operator) {
      case "+" -> left.add(right);
      case "-" -> left.subtract(right);
      case "*" -> left.multiply(right);
      case "//" -> floor(left, right);
      case "%" -> left.subtract(floor(left, right).multiply(right));
      case "**" -> {
        if (right.signum() < 0) {
          yield BigInteger.ZERO;
        }
        if (right.bitLength() > 20 || (long) left.bitLength() * right.intValue() > 1 << 16) {
          throw new TemplateException("a power is too large");
        }
        yield left.pow(right.intValue());
      }
      default -> throw new TemplateException("'" + operator + "' is not an operator of numbers");
    });
  }

  private static BigInteger floor(BigInteger left, BigInteger right) {
    var parts = left.divideAndRemainder(right);
    return parts[1].signum() != 0 && parts[1].signum() != right.signum()
        ? parts[0].subtract(BigInteger.ONE) : parts[0];
  }

  static Object negated(Object value) {
    return switch (value) {
      case Double number -> -number;
      case Undefined undefined -> throw undefined.error();
      default -> Values.whole(Values.big(value).negate());
    };
  }

  boolean compare(String operator, Object left, Object right) {
    return switch (operator) {
      case "==" -> Values.equal(left, right, budget);
      case "!=" -> !Values.equal(left, right, budget);
      case "<" -> Values.compare(left, right, budget) < 0;
      case "<=" -> Values.compare(left, right, budget) <= 0;
      case ">" -> Values.compare(left, right, budget) > 0;
      case ">=" -> Values.compare(left, right, budget) >= 0;
      case "in" -> contains(right, left);
      case "not in" -> !contains(right, left);
      default -> throw new TemplateException("'" + operator + "' does not compare");
    };
  }

  boolean contains(Object container, Object item) {
    return switch (container) {
      case String text -> {
        if (!(item instanceof String part)) {
          throw new TemplateException("only a string can be in a string, not " + Values.kind(item));
        }
        budget.make(text.length() / 64);
        yield text.contains(part);
      }
      case Map<?, ?> map -> map.containsKey(Values.key(item));
      case Namespace _, Callable _, None _ ->
          throw new TemplateException("nothing can be in " + Values.kind(container));
      default -> {
        var items = Values.items(container, budget);
        budget.make(items.size());
        yield items.stream().anyMatch(other -> Values.equal(other, item, budget));
      }
    };
  }

  Object item(Object of, Object key) {
    return switch (of) {
      case Map<?, ?> map -> {
        var found = Values.map(map).get(Values.key(key));
        yield found != null ? found : new Undefined("the item " + Spelling.literal(key, budget) + " of a map");
      }
      case List<?> list when key instanceof Long || key instanceof Boolean -> {
        long index = Values.index(key, "a subscript");
        long at = index < 0 ? index + list.size() : index;
        yield at >= 0 && at < list.size()
            ? Values.list(list).get((int) at) : new Undefined("item %d of a list of %d".formatted(index, list.size()));
      }
      case String text when key instanceof Long || key instanceof Boolean -> {
        long index = Values.index(key, "a subscript");
        long length = Values.length(text);
        long at = index < 0 ? index + length : index;
        if (at < 0 || at >= length) {
          yield new Undefined("character %d of a string of %d".formatted(index, length));
        }
        yield Character.toString(text.codePointAt(text.offsetByCodePoints(0, (int) at)));
      }
      case Undefined undefined -> throw undefined.error();
      default -> new Undefined("the item %s of %s".formatted(Spelling.literal(key, budget), Values.kind(of)));
    };
  }

  /// `of[start:stop:step]` with [None#NONE] for what is left out.
  Object slice(Object of, Object start, Object stop, Object step) {
    if (of instanceof String text) {
      return sliced(Values.items(text, budget), start, stop, step).stream()
          .map(String.class::cast).collect(Collectors.joining());
    }
    if (of instanceof List<?> list) {
      var items = sliced(Values.list(list), start, stop, step);
      return list instanceof Tuple ? new Tuple(items) : items;
    }
    if (of instanceof Undefined undefined) {
      throw undefined.error();
    }
    return new Undefined("a slice of " + Values.kind(of));
  }

  private List<Object> sliced(List<Object> items, Object start, Object stop, Object step) {
    long asked = step == None.NONE ? 1 : Values.index(step, "a slice");
    long by = Math.clamp(asked, -items.size() - 1L, items.size() + 1L);
    if (by == 0) {
      throw new TemplateException("the step of a slice is zero");
    }
    int size = items.size();
    long from = bound(start, by > 0 ? 0 : size - 1L, by, size);
    long to = bound(stop, by > 0 ? size : -1L, by, size);
    budget.make(size);
    var result = new ArrayList<Object>();
    for (long i = from; by > 0 ? i < to : i > to; i += by) {
      result.add(items.get((int) i));
    }
    return result;
  }

  private static long bound(Object bound, long otherwise, long step, int size) {
    if (bound == None.NONE) {
      return otherwise;
    }
    long index = Values.index(bound, "a slice");
    long at = index < 0 ? index + size : index;
    return step > 0 ? Math.clamp(at, 0, size) : Math.clamp(at, -1, size - 1L);
  }
}
