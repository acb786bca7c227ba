package dev.deepstack.tensor;

/// Recursive descent over the text form of a [Dim]: sums of products of integers, symbols and calls.
final class DimParser {
  private static final int DEPTH_MAX = 200;

  private final String text;
  private int at;
  private int depth;

  DimParser(String text) {
    this.text = text;
  }

  Dim parse() {
    Dim dim = sum();
    if (at != text.length()) {
      throw error("unexpected text");
    }
    return dim;
  }

  private Dim sum() {
    if (++depth > DEPTH_MAX) {
      throw error("nested too deeply");
    }
    Dim total = accept('-') ? product().times(-1) : product();
    while (at < text.length()) {
      if (accept('+')) {
        total = total.plus(product());
      } else if (accept('-')) {
        total = total.minus(product());
      } else {
        break;
      }
    }
    depth--;
    return total;
  }

  private Dim product() {
    Dim product = atom();
    while (accept('*')) {
      product = product.times(atom());
    }
    return product;
  }

  private Dim atom() {
    if (accept('(')) {
      Dim inner = sum();
      expect(')');
      return inner;
    }
    int start = at;
    while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '_')) {
      at++;
    }
    String word = text.substring(start, at);
    if (word.isEmpty()) {
      throw error("a number or a name was expected");
    }
    if (Character.isDigit(word.charAt(0))) {
      try {
        return Dim.of(Long.parseLong(word));
      } catch (NumberFormatException e) {
        throw error("not a 64-bit integer: " + word);
      }
    }
    return accept('(') ? call(word) : Dim.symbol(word);
  }

  private Dim call(String name) {
    Dim left = sum();
    expect(',');
    Dim right = sum();
    expect(')');
    return switch (name) {
      case "floordiv" -> left.floorDiv(right);
      case "mod" -> left.mod(right);
      case "max" -> left.max(right);
      case "min" -> left.min(right);
      default -> throw error("unknown function " + name);
    };
  }

  private boolean accept(char c) {
    if (at < text.length() && text.charAt(at) == c) {
      at++;
      return true;
    }
    return false;
  }

  private void expect(char c) {
    if (!accept(c)) {
      throw error("'" + c + "' was expected");
    }
  }

  private IllegalArgumentException error(String what) {
    return new IllegalArgumentException("dimension \"" + text + "\" at " + at + ": " + what);
  }
}
