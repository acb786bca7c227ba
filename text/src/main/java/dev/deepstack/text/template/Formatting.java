package dev.deepstack.text.template;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/// Python's ways to put values into a string: `'…%s…' % values` and `'…{}…'.format(values)`.
final class Formatting {
  private static final Pattern DIRECTIVE =
      Pattern.compile("%(\\((\\w+)\\))?([-+ 0#]*)(\\d*)(?:\\.(\\d+))?([a-zA-Z%])");
  private static final Pattern FIELD = Pattern.compile("\\{\\{|}}|\\{(\\w*)(?:!([sr]))?(?::([^{}]*))?}");
  private static final Pattern SPEC = Pattern.compile("(?:(.)?([<>^]))?([+]?)(0?)(\\d*)(,?)(?:\\.(\\d+))?([a-z%]?)");
  private static final int MAX_WIDTH = 10_000;

  private final Budget budget;

  Formatting(Budget budget) {
    this.budget = budget;
  }

  String percent(String format, Object values) {
    var list = values instanceof Tuple tuple ? tuple : List.of(values);
    var out = new StringBuilder();
    int next = 0;
    int done = 0;
    for (var match = DIRECTIVE.matcher(format); match.find(); done = match.end()) {
      out.append(format, done, match.start());
      if (match.group(6).equals("%")) {
        out.append('%');
        continue;
      }
      Object value;
      if (match.group(2) != null) {
        var found = values instanceof Map<?, ?> map ? Values.map(map).get(match.group(2)) : null;
        if (found == null) {
          throw new TemplateException("'%%' finds no value '%s'".formatted(match.group(2)));
        }
        value = found;
      } else if (next < list.size()) {
        value = list.get(next++);
      } else {
        throw new TemplateException("'%' has fewer values than its format needs");
      }
      int precision = match.group(5) == null ? -1 : width(match.group(5));
      var text = directive(value, match.group(6).charAt(0), precision, match.group(3).contains("+"));
      pad(text, match.group(3).contains("-") ? '<' : '>', width(match.group(4)),
          match.group(3).contains("0") && !match.group(3).contains("-") ? '0' : ' ', out);
    }
    if (next < list.size() && !(values instanceof Map)) {
      throw new TemplateException("'%' has more values than its format needs");
    }
    return budget.made(out.append(format, done, format.length()).toString());
  }

  private String directive(Object value, char type, int precision, boolean signed) {
    var text = switch (type) {
      case 's' -> cut(Spelling.text(value, budget), precision);
      case 'r' -> cut(Spelling.literal(value, budget), precision);
      default -> number(value, type, precision);
    };
    return signed && !text.startsWith("-") && type != 's' && type != 'r' ? "+" + text : text;
  }

  private static String cut(String text, int precision) {
    return precision < 0 || precision >= text.length()
        ? text : text.substring(0, text.offsetByCodePoints(0, Math.min(precision, (int) Values.length(text))));
  }

  private String number(Object value, char type, int precision) {
    return switch (type) {
      case 'd', 'i', 'u' -> value instanceof Double real
          ? new BigDecimal(real).setScale(0, RoundingMode.DOWN).toPlainString() : Values.big(value).toString();
      case 'x' -> Values.big(value).toString(16);
      case 'X' -> Values.big(value).toString(16).toUpperCase(Locale.ROOT);
      case 'o' -> Values.big(value).toString(8);
      case 'b' -> Values.big(value).toString(2);
      case 'f', 'F' -> fixed(Values.real(value), precision < 0 ? 6 : precision);
      case 'e' -> exponent(Values.real(value), precision < 0 ? 6 : precision);
      case '%' -> fixed(Values.real(value) * 100, precision < 0 ? 6 : precision) + "%";
      default -> throw new TemplateException("the format '%" + type + "' is not supported");
    };
  }

  static String fixed(double number, int digits) {
    if (Double.isNaN(number) || Double.isInfinite(number)) {
      return Spelling.number(number);
    }
    return new BigDecimal(number).setScale(Math.min(digits, MAX_WIDTH), RoundingMode.HALF_EVEN).toPlainString();
  }

  private static String exponent(double number, int digits) {
    return String.format(Locale.ROOT, "%." + Math.min(digits, 300) + "e", number);
  }

  private static int width(String digits) {
    if (digits.length() > 5 || (!digits.isEmpty() && Integer.parseInt(digits) > MAX_WIDTH)) {
      throw new TemplateException("a format is wider than " + MAX_WIDTH);
    }
    return digits.isEmpty() ? 0 : Integer.parseInt(digits);
  }

  private void pad(String text, char alignment, int width, char fill, StringBuilder out) {
    int missing = Math.max(0, width - (int) Values.length(text));
    budget.make(missing);
    int left = alignment == '<' ? 0 : alignment == '^' ? missing / 2 : missing;
    if (fill == '0' && alignment == '>' && (text.startsWith("-") || text.startsWith("+"))) {
      out.append(text.charAt(0)).repeat(fill, left).append(text, 1, text.length());
      return;
    }
    out.repeat(fill, left).append(text).repeat(fill, missing - left);
  }

  String format(String format, Arguments arguments) {
    var out = new StringBuilder();
    int next = 0;
    int done = 0;
    for (var match = FIELD.matcher(format); match.find(); done = match.end()) {
      out.append(format, done, match.start());
      if (match.group().equals("{{") || match.group().equals("}}")) {
        out.append(match.group().charAt(0));
        continue;
      }
      var name = match.group(1);
      int position = name.isEmpty() ? next++ : name.matches("\\d{1,4}") ? Integer.parseInt(name) : -1;
      var value = position < 0 ? arguments.named().get(name)
          : position < arguments.positional().size() ? arguments.positional().get(position) : null;
      if (value == null) {
        throw new TemplateException("format() finds no value for '" + match.group() + "'");
      }
      boolean literal = "r".equals(match.group(2));
      field(literal ? Spelling.literal(value, budget) : value, match.group(3) == null ? "" : match.group(3), out);
    }
    return budget.made(out.append(format, done, format.length()).toString());
  }

  private void field(Object value, String specification, StringBuilder out) {
    var spec = SPEC.matcher(specification);
    if (!spec.matches()) {
      throw new TemplateException("the format '" + specification + "' is not supported");
    }
    int precision = spec.group(7) == null ? -1 : width(spec.group(7));
    boolean number = value instanceof Number;
    char type = spec.group(8).isEmpty() ? (number && precision >= 0 ? 'f' : 's') : spec.group(8).charAt(0);
    var text = directive(value, type, precision, !spec.group(3).isEmpty());
    if (!spec.group(6).isEmpty()) {
      text = grouped(text);
    }
    char alignment = spec.group(2) == null ? (number ? '>' : '<') : spec.group(2).charAt(0);
    char fill = spec.group(1) != null ? spec.group(1).charAt(0) : spec.group(4).isEmpty() ? ' ' : '0';
    pad(text, alignment, width(spec.group(5)), fill, out);
  }

  /// With a comma after every three digits.
  private static String grouped(String number) {
    int point = number.indexOf('.') < 0 ? number.length() : number.indexOf('.');
    var text = new StringBuilder(number);
    for (int i = point - 3; i > (number.startsWith("-") ? 1 : 0); i -= 3) {
      text.insert(i, ',');
    }
    return text.toString();
  }
}
