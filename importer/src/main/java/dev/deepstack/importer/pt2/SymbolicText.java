package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.UnsupportedModelException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.function.BinaryOperator;

/// Reads the text of a symbolic integer, as `Mul(Integer(2), Symbol('s39', positive=True, integer=True))`.
///
/// Nothing is evaluated but sums, products, small powers and integer division; other functions are refused
/// with `UnsupportedModelException`. Text that is not of this form is an `IllegalArgumentException`.
final class SymbolicText {
  private static final int LENGTH_MAX = 100_000;
  private static final int DEPTH_MAX = 64;
  private static final int TERMS_MAX = 128;
  private static final int DEGREE_MAX = 16;
  private static final int POWER_MAX = 8;

  /// A call, or a word, number or quoted string (then `arguments` is empty and `call` false).
  private record Item(String text, boolean call, List<Item> arguments) {
    Item argument(int index) {
      if (index >= arguments.size()) {
        throw new IllegalArgumentException(text + " has too few arguments");
      }
      return arguments.get(index);
    }
  }

  private final String text;
  private int at;

  private SymbolicText(String text) {
    this.text = text;
  }

  static Dim parse(String text) {
    if (text.length() > LENGTH_MAX) {
      throw new IllegalArgumentException("an expression of " + text.length() + " characters");
    }
    if (text.indexOf('(') < 0) {
      return Dim.parse(text.replace(" ", ""));
    }
    var reader = new SymbolicText(text);
    var item = reader.item(0);
    if (reader.at != text.length()) {
      throw new IllegalArgumentException("text follows the expression at " + reader.at);
    }
    if (extent(item).isTooLarge()) {
      throw new UnsupportedModelException("the size expression " + Place.quote(text) + " is too large");
    }
    return dim(item);
  }

  private Item item(int depth) {
    if (depth > DEPTH_MAX) {
      throw new IllegalArgumentException("nested too deeply");
    }
    blanks();
    if (at < text.length() && (text.charAt(at) == '\'' || text.charAt(at) == '"')) {
      return new Item(quoted(text.charAt(at++)), false, List.of());
    }
    int start = at;
    while (at < text.length() && isWord(text.charAt(at))) {
      at++;
    }
    var word = text.substring(start, at);
    if (word.isEmpty()) {
      throw new IllegalArgumentException("a name or number was expected at " + at);
    }
    blanks();
    if (accept('=')) {
      item(depth + 1);
      return new Item(word, false, List.of());
    }
    return accept('(') ? new Item(word, true, arguments(depth)) : new Item(word, false, List.of());
  }

  private List<Item> arguments(int depth) {
    var arguments = new ArrayList<Item>();
    blanks();
    if (accept(')')) {
      return arguments;
    }
    while (true) {
      arguments.add(item(depth + 1));
      blanks();
      if (accept(')')) {
        return arguments;
      }
      if (!accept(',')) {
        throw new IllegalArgumentException("',' or ')' was expected at " + at);
      }
    }
  }

  private String quoted(char quote) {
    int end = text.indexOf(quote, at);
    if (end < 0) {
      throw new IllegalArgumentException("a quoted name does not end");
    }
    var inside = text.substring(at, end);
    at = end + 1;
    return inside;
  }

  private boolean accept(char c) {
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private void blanks() {
    while (at < text.length() && text.charAt(at) == ' ') {
      at++;
    }
  }

  private static boolean isWord(char c) {
    return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-'
        || c == '.';
  }

  /// Upper bounds for the expanded polynomial, so that a short text cannot grow without end.
  private record Extent(long terms, long degree) {
    Extent {
      terms = Math.min(terms, TERMS_MAX + 1L);
      degree = Math.min(degree, DEGREE_MAX + 1L);
    }

    Extent times(Extent other) {
      return new Extent(terms * other.terms, degree + other.degree);
    }

    Extent plus(Extent other) {
      return new Extent(terms + other.terms, Math.max(degree, other.degree));
    }

    boolean isTooLarge() {
      return terms > TERMS_MAX || degree > DEGREE_MAX;
    }
  }

  private static Extent extent(Item item) {
    if (item.text().equals("Symbol") || item.text().equals("Integer")) {
      return new Extent(1, 1);
    }
    var parts = item.arguments().stream().map(SymbolicText::extent).toList();
    var one = new Extent(1, 0);
    return switch (item.text()) {
      case "Mul" -> parts.stream().reduce(one, Extent::times);
      case "Pow", "PowByNatural" ->
          Collections.nCopies(exponent(item.argument(1)), parts.getFirst()).stream()
              .reduce(one, Extent::times);
      // The text of a call is carried along with its factor: count what is inside.
      default -> parts.stream().reduce(Extent::plus).orElse(one);
    };
  }

  private static int exponent(Item item) {
    if (!item.call() || !item.text().equals("Integer")) {
      throw new UnsupportedModelException("a size is raised to a power that is not a number");
    }
    long exponent = number(item);
    if (exponent < 0 || exponent > POWER_MAX) {
      throw new UnsupportedModelException("a size is raised to the power " + exponent);
    }
    return (int) exponent;
  }

  private static long number(Item integer) {
    // NumberFormatException is an IllegalArgumentException.
    return Long.parseLong(integer.argument(0).text());
  }

  private static Dim dim(Item item) {
    if (!item.call()) {
      throw new IllegalArgumentException("a function was expected, not " + Place.quote(item.text()));
    }
    return switch (item.text()) {
      case "Symbol" -> symbol(item.argument(0).text());
      case "Integer" -> Dim.of(number(item));
      case "Identity" -> dim(item.argument(0));
      case "Add" -> fold(item, Dim::plus);
      case "Mul" -> fold(item, Dim::times);
      case "Max" -> fold(item, Dim::max);
      case "Min" -> fold(item, Dim::min);
      case "Pow", "PowByNatural" -> power(dim(item.argument(0)), exponent(item.argument(1)));
      case "FloorDiv", "CleanDiv" -> quotient(item);
      case "CeilDiv" -> ceiling(item);
      case "Mod", "PythonMod" -> dim(item.argument(0)).mod(divisor(item.argument(1)));
      case "ModularIndexing" -> quotient(item).mod(divisor(item.argument(2)));
      case "LShift" -> dim(item.argument(0)).times(shift(item.argument(1)));
      case "RShift" -> dim(item.argument(0)).floorDiv(shift(item.argument(1)));
      case "FloorToInt" -> quotient(trueDivision(item));
      case "CeilToInt" -> ceiling(trueDivision(item));
      default -> throw new UnsupportedModelException("the function " + Place.quote(item.text())
          + " in a size");
    };
  }

  private static Dim symbol(String name) {
    if (!name.matches("[A-Za-z_][A-Za-z0-9_]*")) {
      throw new IllegalArgumentException("not a symbol: " + Place.quote(name));
    }
    return Dim.symbol(name);
  }

  private static Dim fold(Item item, BinaryOperator<Dim> operator) {
    var result = dim(item.argument(0));
    for (var argument : item.arguments().subList(1, item.arguments().size())) {
      result = operator.apply(result, dim(argument));
    }
    return result;
  }

  private static Dim power(Dim base, int exponent) {
    var result = Dim.of(1);
    for (int i = 0; i < exponent; i++) {
      result = result.times(base);
    }
    return result;
  }

  private static Dim quotient(Item item) {
    return dim(item.argument(0)).floorDiv(divisor(item.argument(1)));
  }

  /// `ceil(a / b)` as `-(-a // b)`.
  private static Dim ceiling(Item item) {
    return dim(item.argument(0)).times(-1).floorDiv(divisor(item.argument(1))).times(-1);
  }

  private static Dim divisor(Item item) {
    var divisor = dim(item);
    if (divisor.isConstant() && divisor.constant() == 0) {
      throw new IllegalArgumentException("a division by zero");
    }
    return divisor;
  }

  private static Item trueDivision(Item rounding) {
    var inner = rounding.argument(0);
    if (!inner.text().equals("IntTrueDiv")) {
      throw new UnsupportedModelException("the function " + Place.quote(inner.text()) + " in a size");
    }
    return inner;
  }

  private static long shift(Item item) {
    long bits = item.text().equals("Integer") ? number(item) : -1;
    if (bits < 0 || bits > 62) {
      throw new UnsupportedModelException("a size is shifted by something else than 0 to 62");
    }
    return 1L << bits;
  }
}
