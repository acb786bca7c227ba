package dev.deepstack.ir;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// Line-wise reader of [GraphText].
final class GraphParser {
  private static final Pattern HEADER = Pattern.compile("graph \\((.*)\\) \\{");
  private static final Pattern SYMBOL = Pattern.compile("(\\w+): (-?\\d+)\\.\\.(\\d*)");
  private static final Pattern VALUE = Pattern.compile("(%\\d+) = (\\w+)(?: (.*))? : (\\w+)(\\[.*])");
  private static final Pattern BODY =
      Pattern.compile("body \\d+ (?:for (\\w+) in (\\S+)|while (\\w+)) \\((.*)\\) \\{");
  private static final Pattern OUTPUT =
      Pattern.compile("(result|update|bind|check) \"((?:[^\"\\\\]|\\\\.)*)\" (%\\d+)");

  private Graph graph = new Graph();
  private final List<Body> bodies = new ArrayList<>();
  private final Map<String, Value> names = new HashMap<>();
  private final String[] lines;

  GraphParser(String text) {
    lines = text.split("\n", -1);
  }

  Graph parse() {
    for (int i = 0; i < lines.length; i++) {
      String line = lines[i].strip();
      try {
        if (!line.isEmpty() && !line.equals("}") && !line.startsWith("//")) {
          line(line);
        }
      } catch (IllegalArgumentException | IndexOutOfBoundsException | IrException e) {
        throw new IrException("graph text, line " + (i + 1) + ": " + e.getMessage() + "\n  " + line);
      }
    }
    return graph;
  }

  private void line(String line) {
    Matcher m = HEADER.matcher(line);
    if (m.matches()) {
      begin(m.group(1));
      return;
    }
    m = BODY.matcher(line);
    if (m.matches()) {
      begin(m.group(4));
      bodies.add(m.group(3) != null ? new Body(graph, m.group(3), null)
          : new Body(graph, m.group(1), Dim.parse(m.group(2))));
      return;
    }
    m = OUTPUT.matcher(line);
    if (m.matches()) {
      String name = unquote(m.group(2));
      Value value = value(m.group(3));
      graph.output(switch (m.group(1)) {
        case "result" -> new Graph.Result(name, value);
        case "update" -> new Graph.Update(name, value);
        case "bind" -> new Graph.Bind(name, value);
        default -> new Graph.Check(name, value);
      });
      return;
    }
    m = VALUE.matcher(line);
    if (!m.matches()) {
      throw new IllegalArgumentException("not a value, result or update");
    }
    var type = new TensorType(DType.parse(m.group(4)), GraphText.shape(m.group(5)));
    Value value = graph.add(op(m.group(2), m.group(3) == null ? "" : m.group(3), type));
    if (!value.type().equals(type)) {
      throw new IllegalArgumentException("the type is " + value.type());
    }
    names.put(m.group(1), value);
  }

  private void begin(String symbols) {
    graph = new Graph();
    names.clear();
    GraphText.split(symbols).forEach(this::symbol);
  }

  private void symbol(String text) {
    Matcher m = SYMBOL.matcher(text);
    if (!m.matches()) {
      throw new IllegalArgumentException("bad symbol range " + text);
    }
    long max = m.group(3).isEmpty() ? Long.MAX_VALUE : Long.parseLong(m.group(3));
    graph.symbol(m.group(1), new DimRange(Long.parseLong(m.group(2)), max));
  }

  private Op op(String name, String arguments, TensorType type) {
    OpSchema schema = OpSchema.named(name);
    if (schema == null) {
      throw new IllegalArgumentException("unknown op " + name);
    }
    List<String> parts = GraphText.split(arguments);
    var values = new @Nullable Object[schema.components().size()];
    int at = 0;
    for (int i = 0; i < values.length; i++) {
      OpSchema.Component c = schema.components().get(i);
      if (c.accessor().getType() == TensorType.class) {
        values[i] = type;
        continue;
      }
      if (at == parts.size()) {
        throw new IllegalArgumentException(c.name() + " is missing");
      }
      values[i] = component(c, parts.get(at++));
    }
    if (at != parts.size()) {
      throw new IllegalArgumentException("unexpected " + parts.get(at));
    }
    return schema.make(values);
  }

  private @Nullable Object component(OpSchema.Component c, String text) {
    if (c.isOperand()) {
      return text.equals("_") ? null : value(text);
    }
    if (c.isOperandList()) {
      return GraphText.split(text.substring(1, text.length() - 1)).stream().map(this::value).toList();
    }
    if (!text.startsWith(c.name() + "=")) {
      throw new IllegalArgumentException(c.name() + "=… expected, not " + text);
    }
    return attribute(c.type(), text.substring(c.name().length() + 1));
  }

  private Object attribute(Type type, String text) {
    if (type instanceof ParameterizedType list) {
      Type element = list.getActualTypeArguments()[0];
      return GraphText.split(text.substring(1, text.length() - 1)).stream().map(t -> attribute(element, t)).toList();
    }
    return switch ((Class<?>) type) {
      case Class<?> c when c == int.class || c == Integer.class -> Integer.valueOf(text);
      case Class<?> c when c == long.class -> Long.valueOf(text);
      case Class<?> c when c == double.class -> Double.valueOf(text);
      case Class<?> c when c == boolean.class -> Boolean.valueOf(text);
      case Class<?> c when c == String.class -> unquote(text.substring(1, text.length() - 1));
      case Class<?> c when c == Dim.class -> Dim.parse(text);
      case Class<?> c when c == Shape.class -> GraphText.shape(text);
      case Class<?> c when c == DType.class -> DType.parse(text);
      case Class<?> c when c == Body.class -> bodies.get(Integer.parseInt(text));
      case Class<?> c when c.isEnum() -> enumConstant(c, text);
      default -> throw new IllegalArgumentException("no text form for " + type);
    };
  }

  private static Object enumConstant(Class<?> type, String text) {
    return Arrays.stream(type.getEnumConstants())
        .filter(e -> e.toString().toLowerCase(Locale.ROOT).equals(text))
        .findFirst()
        .orElseThrow(() -> new IllegalArgumentException("no " + type.getSimpleName() + " named " + text));
  }

  private Value value(String name) {
    Value value = names.get(name);
    if (value == null) {
      throw new IllegalArgumentException(name + " is not defined above");
    }
    return value;
  }

  private static String unquote(String s) {
    var out = new StringBuilder();
    for (int i = 0; i < s.length(); i++) {
      char c = s.charAt(i);
      if (c == '\\' && i + 1 < s.length()) {
        char next = s.charAt(++i);
        out.append(next == 'n' ? '\n' : next);
      } else {
        out.append(c);
      }
    }
    return out.toString();
  }
}
