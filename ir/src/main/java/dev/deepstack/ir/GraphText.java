package dev.deepstack.ir;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// The text form of a graph, for people, golden files and tests. [#parse] reads what [#print] writes:
///
/// ```
/// graph (s27: 1..24) {
///   %0 = input name="x" : f32[1,s27,8]
///   %1 = slice %0, axis=2, start=0, size=4, step=1 : f32[1,s27,4]
///   result "y" %1
/// }
/// ```
///
/// Operands stand first (`_` is an absent one, `[%1,%2]` a list), then attributes by name, then the result's type. The
/// bodies of loops stand before the graph that has them, numbered; one without a count is a `while`:
///
/// ```
/// body 0 for i0 in s27 (i0: 0.., s27: 1..24) {
///   …
/// }
/// graph (s27: 1..24) {
///   %1 = loop [%0], [], body=0, result=0 : f32[8]
/// ```
public final class GraphText {
  private GraphText() {}

  public static String print(Graph graph) {
    var out = new StringBuilder();
    print("graph", graph, new ArrayList<>(), out);
    return out.toString();
  }

  /// @param bodies those printed so far, by number
  private static void print(String head, Graph graph, List<Body> bodies, StringBuilder out) {
    for (Op.Loop loop : graph.ops(Op.Loop.class)) {
      Body body = loop.body();
      if (!bodies.contains(body)) {
        // Bodies inside come first and take the lower numbers.
        var text = new StringBuilder();
        String trips = body.trips() == null ? " while " + body.counter()
            : " for " + body.counter() + " in " + body.trips();
        print("body #" + trips, body.graph(), bodies, text);
        out.append(text.toString().replace("body #" + trips, "body " + bodies.size() + trips));
        bodies.add(body);
      }
    }
    String symbols = graph.symbols().entrySet().stream()
        .map(e -> e.getKey() + ": " + e.getValue().min() + ".."
            + (e.getValue().isBounded() ? Long.toString(e.getValue().max()) : ""))
        .collect(Collectors.joining(", "));
    out.append(head).append(" (").append(symbols).append(") {\n");
    graph.values().forEach(v -> out.append("  ").append(line(v, bodies)).append('\n'));
    for (Graph.Output o : graph.outputs()) {
      out.append(switch (o) {
        case Graph.Result r -> "  result " + quote(r.name()) + " " + r.value() + "\n";
        case Graph.Update u -> "  update " + quote(u.name()) + " " + u.value() + "\n";
        case Graph.Bind b -> "  bind " + quote(b.name()) + " " + b.value() + "\n";
        case Graph.Check c -> "  check " + quote(c.name()) + " " + c.value() + "\n";
      });
    }
    out.append("}\n");
  }

  /// One value with its op, as in the whole text.
  public static String line(Value value) {
    return line(value, List.of());
  }

  private static String line(Value value, List<Body> bodies) {
    Op op = value.op();
    var parts = new ArrayList<String>();
    OpSchema schema = OpSchema.of(op);
    for (OpSchema.Component c : schema.components()) {
      Object v = c.of(op);
      if (c.isOperand()) {
        parts.add(v == null ? "_" : v.toString());
      } else if (c.isOperandList()) {
        parts.add(list((List<?>) java.util.Objects.requireNonNull(v)));
      } else if (v instanceof Body body) {
        int number = bodies.indexOf(body);
        parts.add("body=" + (number >= 0 ? Integer.toString(number) : body.toString()));
      } else if (!(v instanceof TensorType)) {
        parts.add(c.name() + "=" + attribute(v));
      }
    }
    return value + " = " + schema.name() + (parts.isEmpty() ? "" : " " + String.join(", ", parts))
        + " : " + value.type();
  }

  private static String list(List<?> items) {
    return items.stream().map(Object::toString).collect(Collectors.joining(",", "[", "]"));
  }

  private static String attribute(@Nullable Object value) {
    return switch (value) {
      case null -> "_";
      case String s -> quote(s);
      case DType d -> d.text();
      case Enum<?> e -> e.name().toLowerCase(Locale.ROOT);
      case List<?> l -> list(l);
      default -> value.toString();
    };
  }

  private static String quote(String s) {
    return '"' + s.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
  }

  /// Reads a graph.
  ///
  /// @throws IrException naming the line that is wrong
  public static Graph parse(String text) {
    return new GraphParser(text).parse();
  }

  /// A parsed shape such as `[1,s27,8]`.
  static Shape shape(String text) {
    String inner = text.substring(1, text.length() - 1);
    return inner.isBlank() ? Shape.SCALAR : new Shape(split(inner).stream().map(Dim::parse).toList());
  }

  /// Splits at commas outside parentheses, brackets and quotes.
  static List<String> split(String text) {
    var parts = new ArrayList<String>();
    int depth = 0;
    boolean quoted = false;
    int start = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '"' && (i == 0 || text.charAt(i - 1) != '\\')) {
        quoted = !quoted;
      }
      if (!quoted) {
        depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
        if (c == ',' && depth == 0) {
          parts.add(text.substring(start, i).strip());
          start = i + 1;
        }
      }
    }
    String last = text.substring(start).strip();
    if (!last.isEmpty()) {
      parts.add(last);
    }
    return parts;
  }
}
