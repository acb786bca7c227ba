package dev.deepstack.text.template;

import java.math.BigDecimal;
import java.util.List;
import java.util.Map;

/// Values as text: as Python's `str` and `repr` write them.
final class Spelling {
  private static final int MAX_DEPTH = 200;

  private Spelling() {}

  static String text(Object value, Budget budget) {
    return switch (value) {
      case String text -> text;
      case Undefined _ -> "";
      default -> {
        var out = new StringBuilder();
        write(value, out, budget, 0);
        yield out.toString();
      }
    };
  }

  static String literal(Object value, Budget budget) {
    var out = new StringBuilder();
    write(value, out, budget, 0);
    return out.toString();
  }

  private static void write(Object value, StringBuilder out, Budget budget, int depth) {
    if (depth > MAX_DEPTH) {
      throw new TemplateException("a value nested deeper than %d is printed".formatted(MAX_DEPTH));
    }
    int before = out.length();
    switch (value) {
      case None _ -> out.append("None");
      case Boolean flag -> out.append(flag ? "True" : "False");
      case Double number -> out.append(number(number));
      case Number number -> out.append(number);
      case String text -> quote(text, out);
      case Undefined _ -> out.append("Undefined");
      case Tuple tuple -> {
        list(tuple, "(", tuple.size() == 1 ? ",)" : ")", out, budget, depth);
      }
      case List<?> list -> list(list, "[", "]", out, budget, depth);
      case Map<?, ?> map -> {
        var separator = "{";
        for (var entry : Values.map(map).entrySet()) {
          out.append(separator);
          write(entry.getKey(), out, budget, depth + 1);
          out.append(": ");
          write(entry.getValue(), out, budget, depth + 1);
          separator = ", ";
        }
        out.append(map.isEmpty() ? "{}" : "}");
      }
      case Generated generated -> list(generated.items(), "<generator ", ">", out, budget, depth);
      case Namespace _ -> out.append("<Namespace>");
      case Callable function -> out.append('<').append(function.name()).append('>');
      default -> throw new TemplateException("a value cannot be printed");
    }
    budget.make(depth == 0 ? out.length() - before : 1);
  }

  private static void list(
      List<?> items, String open, String close, StringBuilder out, Budget budget, int depth) {
    out.append(open);
    var separator = "";
    for (var item : Values.list(items)) {
      out.append(separator);
      write(item, out, budget, depth + 1);
      separator = ", ";
    }
    out.append(close);
  }

  /// The shortest digits that give the number again, with an exponent where Python has one.
  static String number(double number) {
    if (Double.isNaN(number)) {
      return "nan";
    }
    if (Double.isInfinite(number)) {
      return number > 0 ? "inf" : "-inf";
    }
    if (number == 0) {
      return 1 / number < 0 ? "-0.0" : "0.0";
    }
    var decimal = new BigDecimal(Double.toString(number)).stripTrailingZeros();
    int exponent = decimal.precision() - decimal.scale() - 1;
    if (exponent >= -4 && exponent < 16) {
      return decimal.scale() <= 0 ? decimal.toPlainString() + ".0" : decimal.toPlainString();
    }
    var digits = decimal.unscaledValue().abs().toString();
    var mantissa = digits.length() == 1 ? digits : digits.charAt(0) + "." + digits.substring(1);
    return (number < 0 ? "-" : "") + mantissa + "e" + (exponent < 0 ? "-" : "+")
        + (Math.abs(exponent) < 10 ? "0" : "") + Math.abs(exponent);
  }

  private static void quote(String text, StringBuilder out) {
    char quote = text.indexOf('\'') >= 0 && text.indexOf('"') < 0 ? '"' : '\'';
    out.append(quote);
    text.codePoints().forEach(c -> {
      switch (c) {
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\\' -> out.append("\\\\");
        default -> {
          if (c == quote) {
            out.append('\\').append(quote);
          } else if (isPrintable(c)) {
            out.appendCodePoint(c);
          } else {
            out.append((c < 0x100 ? "\\x%02x" : c < 0x10000 ? "\\u%04x" : "\\U%08x").formatted(c));
          }
        }
      }
    });
    out.append(quote);
  }

  private static boolean isPrintable(int c) {
    return switch (Character.getType(c)) {
      case Character.CONTROL, Character.FORMAT, Character.SURROGATE, Character.PRIVATE_USE,
          Character.UNASSIGNED, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
      case Character.SPACE_SEPARATOR -> c == ' ';
      default -> true;
    };
  }
}
