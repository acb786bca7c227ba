package dev.deepstack.text.template;

import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/// The filters behind `|`: those of single values here, those of lists in [ItemFilters].
final class Filters {
  private static final Pattern WORD_START = Pattern.compile("(?<=[-\\s({\\[<])(?![-\\s({\\[<])");
  private static final int MAX_DIGITS = 4300;
  private static final Pattern WORD = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);

  private final Budget budget;
  private final Lookup lookup;
  private final ItemFilters items;

  Filters(Budget budget, Lookup lookup, Tests tests) {
    this.budget = budget;
    this.lookup = lookup;
    this.items = new ItemFilters(budget, lookup, this, tests);
  }

  Object filter(String name, Object value, Arguments arguments) {
    budget.step();
    return switch (name) {
      case "default", "d" -> {
        var bound = arguments.bind(name, "default_value", "boolean");
        boolean missing = value instanceof Undefined || (bound.flag("boolean") && !Values.isTrue(value));
        yield missing ? bound.get("default_value", "") : value;
      }
      case "tojson" -> Json.write(value, arguments, budget);
      case "length", "count" -> {
        arguments.bind(name);
        yield Values.length(value);
      }
      case "string", "safe", "e", "escape", "forceescape" -> {
        arguments.bind(name);
        yield name.contains("e") && !name.equals("safe") ? escaped(text(value)) : text(value);
      }
      case "attr" -> lookup.attribute(value, arguments.bind(name, "name").text("name"));
      case "int" -> toInt(value, arguments.bind(name, "default", "base"));
      case "float" -> toFloat(value, arguments.bind(name, "default"));
      case "abs" -> {
        arguments.bind(name);
        yield value instanceof Double number ? Math.abs(number) : Values.whole(Values.big(value).abs());
      }
      case "round" -> round(value, arguments.bind(name, "precision", "method"));
      case "format" -> new Formatting(budget).percent(text(value), arguments.named().isEmpty()
          ? new Tuple(arguments.positional()) : new java.util.LinkedHashMap<Object, Object>(arguments.named()));
      case "upper", "lower", "capitalize", "title", "trim", "replace", "indent", "truncate", "center",
          "wordcount", "urlencode" -> ofText(name, text(value), arguments);
      default -> items.filter(name, value, arguments);
    };
  }

  private String text(Object value) {
    return Spelling.text(value, budget);
  }

  private static String escaped(String text) {
    return text.replace("&", "&amp;").replace(">", "&gt;").replace("<", "&lt;").replace("'", "&#39;")
        .replace("\"", "&#34;");
  }

  private Object ofText(String name, String text, Arguments arguments) {
    budget.make(text.length());
    return switch (name) {
      case "trim" -> TextMethods.strip(text, arguments.bind(name, "chars"), name);
      case "replace" -> {
        var bound = arguments.bind(name, "old", "new", "count");
        yield TextMethods.replace(text, text(bound.get("old")), text(bound.get("new")),
            bound.has("count") ? bound.number("count", -1) : -1, budget);
      }
      case "indent" -> indent(text, arguments.bind(name, "width", "first", "blank"));
      case "truncate" -> truncate(text, arguments.bind(name, "length", "killwords", "end", "leeway"));
      case "center" -> new TextMethods(budget).call(text, "center",
          new Arguments(List.of(arguments.bind(name, "width").get("width", 80L)), java.util.Map.of()));
      default -> {
        arguments.bind(name);
        yield switch (name) {
          case "upper" -> text.toUpperCase(Locale.ROOT);
          case "lower" -> text.toLowerCase(Locale.ROOT);
          case "capitalize" -> TextMethods.capitalized(text);
          case "title" -> WORD_START.splitAsStream(text).map(Filters::titled).collect(Collectors.joining());
          case "wordcount" -> WORD.matcher(text).results().count();
          default -> URLEncoder.encode(text, StandardCharsets.UTF_8)
              .replace("+", "%20").replace("%2F", "/").replace("%7E", "~").replace("*", "%2A");
        };
      }
    };
  }

  private static String titled(String word) {
    int first = word.isEmpty() ? 0 : word.offsetByCodePoints(0, 1);
    return word.substring(0, first).toUpperCase(Locale.ROOT) + word.substring(first).toLowerCase(Locale.ROOT);
  }

  private String indent(String text, Arguments.Bound bound) {
    var width = bound.get("width", 4L);
    var indent = width instanceof String string ? string
        : " ".repeat(Math.clamp(Values.index(width, "indent"), 0, 1000));
    var lines = TextMethods.lines(text + "\n", false);
    var out = new StringBuilder(bound.flag("first") ? indent : "");
    for (int i = 0; i < lines.size(); i++) {
      var line = (String) lines.get(i);
      boolean indented = i > 0 && (bound.flag("blank") || !line.isEmpty());
      budget.make(indent.length() + 1L);
      out.append(i > 0 ? "\n" : "").append(indented ? indent : "").append(line);
    }
    return out.toString();
  }

  private String truncate(String text, Arguments.Bound bound) {
    long length = bound.number("length", 255);
    var end = bound.text("end", "...");
    long leeway = bound.has("leeway") ? bound.number("leeway", 5) : 5;
    if (length < Values.length(end) || leeway < 0) {
      throw new TemplateException("truncate is given a length or leeway that is too small");
    }
    if (Values.length(text) <= length + leeway) {
      return text;
    }
    var cut = text.substring(0, text.offsetByCodePoints(0, (int) (length - Values.length(end))));
    int space = cut.lastIndexOf(' ');
    return (bound.flag("killwords") || space < 0 ? cut : cut.substring(0, space)) + end;
  }

  private static Object toInt(Object value, Arguments.Bound bound) {
    var otherwise = bound.get("default", 0L);
    try {
      return switch (value) {
        case String text -> {
          var digits = Spaces.stripRight(Spaces.stripLeft(text)).replace("_", "");
          int base = (int) bound.number("base", 10);
          if (digits.length() > MAX_DIGITS) {
            yield otherwise;
          }
          yield base == 10 && digits.matches("[-+]?\\d+") ? Values.whole(new BigInteger(digits))
              : base == 10 ? toInt(real(digits), bound)
                  : Values.whole(new BigInteger(digits.replaceFirst("(?i)^([-+]?)0[xob]", "$1"), base));
        }
        case Double number when Double.isNaN(number) || Double.isInfinite(number) -> otherwise;
        case Double number -> Values.whole(new BigDecimal(number).toBigInteger());
        case Boolean flag -> flag ? 1L : 0L;
        case Number number -> number;
        default -> otherwise;
      };
    } catch (NumberFormatException _) {
      return otherwise;
    }
  }

  private static Object toFloat(Object value, Arguments.Bound bound) {
    var otherwise = bound.get("default", 0.0);
    try {
      return switch (value) {
        case String text -> real(Spaces.stripRight(Spaces.stripLeft(text)));
        case Number _, Boolean _ -> Values.real(value);
        default -> otherwise;
      };
    } catch (NumberFormatException _) {
      return otherwise;
    }
  }

  /// As Python reads it: without Java's suffixes and hexadecimal.
  private static double real(String digits) {
    if (!digits.matches("[-+]?[0-9._eE]+([-+]?[0-9]+)?") || digits.length() > MAX_DIGITS) {
      throw new NumberFormatException(digits);
    }
    return Double.parseDouble(digits.replace("_", ""));
  }

  private static Object round(Object value, Arguments.Bound bound) {
    int precision = Math.clamp(bound.number("precision", 0), -20, 20);
    var method = bound.text("method", "common");
    var mode = switch (method) {
      case "common" -> RoundingMode.HALF_EVEN;
      case "ceil" -> RoundingMode.CEILING;
      case "floor" -> RoundingMode.FLOOR;
      default -> throw new TemplateException("round knows common, ceil and floor, not '" + method + "'");
    };
    if (!(value instanceof Double)) {
      return precision >= 0 && method.equals("common") ? Values.whole(Values.big(value))
          : new BigDecimal(Values.big(value)).setScale(precision, mode).doubleValue();
    }
    double number = Values.real(value);
    return Double.isNaN(number) || Double.isInfinite(number)
        ? number : (Object) new BigDecimal(number).setScale(precision, mode).doubleValue();
  }
}
