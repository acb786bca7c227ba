package dev.deepstack.ir;

import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// A graph with some of its symbols fixed.
public final class Specialize {
  private Specialize() {}

  /// The graph for `values` of symbols; these symbols are gone.
  public static Graph run(Graph graph, Map<String, Long> values) {
    Map<String, Dim> dims = new HashMap<>();
    values.forEach((symbol, value) -> dims.put(symbol, Dim.of(value)));
    return fix(graph, dims);
  }

  private static Graph fix(Graph graph, Map<String, Dim> values) {
    Map<Body, Body> bodies = new HashMap<>();
    var special = new Graph();
    graph.symbols().forEach((symbol, range) -> {
      if (!values.containsKey(symbol)) {
        special.symbol(symbol, range);
      }
    });
    Map<Value, Value> map = new HashMap<>();
    for (Value v : graph.values()) {
      Op moved = OpSchema.map(v.op(), x -> Objects.requireNonNull(map.get(x)));
      map.put(v, special.add(OpSchema.mapAttributes(moved, a -> a instanceof Body b
          ? bodies.computeIfAbsent(b, body -> fix(body, values)) : substitute(a, values))));
    }
    for (Graph.Output o : graph.outputs()) {
      special.output(o.with(Objects.requireNonNull(map.get(o.value()))));
    }
    return special;
  }

  private static Body fix(Body body, Map<String, Dim> values) {
    Dim trips = body.trips();
    return new Body(fix(body.graph(), values), body.counter(), trips == null ? null : trips.substitute(values));
  }

  private static @Nullable Object substitute(@Nullable Object attribute, Map<String, Dim> dims) {
    return switch (attribute) {
      case Dim d -> d.substitute(dims);
      case Shape s -> shape(s, dims);
      case TensorType t -> t.withShape(shape(t.shape(), dims));
      case List<?> l -> l.stream().map(x -> Objects.requireNonNull(substitute(x, dims))).toList();
      case null, default -> attribute;
    };
  }

  private static Shape shape(Shape s, Map<String, Dim> dims) {
    return new Shape(s.dims().stream().map(d -> d.substitute(dims)).toList());
  }
}
