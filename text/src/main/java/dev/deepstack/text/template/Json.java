package dev.deepstack.text.template;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/// The filter `tojson` as transformers defines it: Python's `json.dumps`, characters beyond ASCII kept.
final class Json {
  private static final int MAX_DEPTH = 200;

  private final StringBuilder out = new StringBuilder();
  private final Budget budget;
  private final String indent;
  private final String itemSeparator;
  private final String keySeparator;
  private final boolean ascii;
  private final boolean sorted;
  private final boolean lines;

  private Json(Arguments.Bound options, Budget budget) {
    this.budget = budget;
    boolean indented = options.has("indent");
    indent = !indented ? ""
        : options.get("indent") instanceof String text ? text
            : " ".repeat(Math.clamp(options.number("indent", 0), 0, 64));
    if (options.has("separators")) {
      var separators = Values.items(options.get("separators"), budget);
      if (separators.size() != 2) {
        throw new TemplateException("tojson needs two separators");
      }
      itemSeparator = Spelling.text(separators.get(0), budget);
      keySeparator = Spelling.text(separators.get(1), budget);
    } else {
      itemSeparator = indented ? "," : ", ";
      keySeparator = ": ";
    }
    ascii = options.flag("ensure_ascii");
    sorted = options.flag("sort_keys");
    lines = indented;
  }

  static String write(Object value, Arguments arguments, Budget budget) {
    var options = arguments.bind("tojson", "ensure_ascii", "indent", "separators", "sort_keys");
    var json = new Json(options, budget);
    json.value(value, 0);
    return budget.made(json.out.toString());
  }

  private void value(Object value, int depth) {
    if (depth > MAX_DEPTH) {
      throw new TemplateException("tojson is given a value nested deeper than " + MAX_DEPTH);
    }
    budget.step();
    switch (value) {
      case None _ -> out.append("null");
      case Boolean flag -> out.append(flag.booleanValue());
      case Double number -> out.append(number(number));
      case Number number -> out.append(number);
      case String text -> string(text);
      case List<?> list -> list(list, depth);
      case Map<?, ?> map -> map(Values.map(map), depth);
      default -> throw new TemplateException("tojson cannot write " + Values.kind(value));
    }
  }

  private static String number(double number) {
    return Double.isNaN(number) ? "NaN"
        : Double.isInfinite(number) ? (number > 0 ? "Infinity" : "-Infinity") : Spelling.number(number);
  }

  private void line(int depth) {
    if (lines) {
      budget.make((long) indent.length() * depth);
      out.append('\n').repeat(indent, depth);
    }
  }

  private void list(List<?> list, int depth) {
    out.append('[');
    for (int i = 0; i < list.size(); i++) {
      out.append(i == 0 ? "" : itemSeparator);
      line(depth + 1);
      value(Values.list(list).get(i), depth + 1);
    }
    if (!list.isEmpty()) {
      line(depth);
    }
    out.append(']');
  }

  private void map(Map<Object, Object> map, int depth) {
    out.append('{');
    boolean first = true;
    for (var entry : (sorted ? sorted(map) : map).entrySet()) {
      out.append(first ? "" : itemSeparator);
      first = false;
      line(depth + 1);
      string(key(entry.getKey()));
      out.append(keySeparator);
      value(entry.getValue(), depth + 1);
    }
    if (!map.isEmpty()) {
      line(depth);
    }
    out.append('}');
  }

  private Map<Object, Object> sorted(Map<Object, Object> map) {
    var sorted = new TreeMap<Object, Object>((left, right) -> Values.compare(left, right, budget));
    sorted.putAll(map);
    return sorted;
  }

  private String key(Object key) {
    return switch (key) {
      case String text -> text;
      case None _ -> "null";
      case Boolean flag -> flag.toString();
      case Double number -> number(number);
      case Number number -> number.toString();
      default -> throw new TemplateException("tojson cannot write " + Values.kind(key) + " as a key");
    };
  }

  private void string(String text) {
    budget.make(text.length());
    out.append('"');
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> out.append("\\\"");
        case '\\' -> out.append("\\\\");
        case '\n' -> out.append("\\n");
        case '\r' -> out.append("\\r");
        case '\t' -> out.append("\\t");
        case '\f' -> out.append("\\f");
        case '\b' -> out.append("\\b");
        default -> {
          if (c < ' ' || (ascii && c > '~')) {
            out.append("\\u%04x".formatted((int) c));
          } else {
            out.append(c);
          }
        }
      }
    }
    out.append('"');
  }
}
