package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.Argument;
import dev.deepstack.importer.pt2.GraphModel;
import dev.deepstack.importer.pt2.TensorMeta;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

/// The names of one graph of the file and what they stand for so far.
final class Scope {
  private final GraphModel model;
  private final Map<String, Variable> variables = new HashMap<>();
  private final Map<String, Value> numbers = new HashMap<>();
  private final Set<String> lost = new HashSet<>();
  private final Set<String> read = new HashSet<>();

  Scope(GraphModel model) {
    this.model = model;
    model.nodes().forEach(n -> n.inputs().forEach(i -> read.addAll(i.arg().valueNames())));
    model.outputs().forEach(o -> read.addAll(o.valueNames()));
  }

  GraphModel model() {
    return model;
  }

  void bind(String name, Variable variable) {
    variables.put(name, variable);
  }

  /// Gives a symbolic float (f64) or truth value (bool) its scalar.
  void bindNumber(String name, Value scalar) {
    numbers.put(name, scalar);
  }

  Variable variable(String name) {
    Variable variable = variables.get(name);
    if (variable == null) {
      throw new MalformedModelException("the program reads \"" + name
          + "\" before anything computes it; export again");
    }
    return variable;
  }

  /// A symbolic float as an f64 scalar, a symbolic truth value as a bool.
  Value number(String name) {
    Value value = numbers.get(name);
    if (value == null) {
      throw new Refusal("the symbolic number " + name);
    }
    return value;
  }

  Dim dim(Argument.IntLike argument) {
    return switch (argument) {
      case Argument.IntArg(long value) -> Dim.of(value);
      case Argument.SymIntArg(String name) -> {
        Dim dim = model.symIntValues().get(name);
        if (dim == null) {
          throw new MalformedModelException("the program does not say what the integer \"" + name + "\" is");
        }
        yield dim;
      }
    };
  }

  TensorMeta meta(String name) {
    TensorMeta meta = model.tensorValues().get(name);
    if (meta == null) {
      throw new MalformedModelException("the program does not say what type \"" + name
          + "\" has; export again");
    }
    return meta;
  }

  TensorType type(String name) {
    TensorMeta meta = meta(name);
    DType part = meta.type().part();
    if (part != null) {
      var dims = new ArrayList<>(meta.shape().dims());
      dims.add(Dim.of(2));
      return new TensorType(part, new Shape(dims));
    }
    if (!meta.type().isSupported()) {
      throw new Refusal("elements of type " + meta.type().text());
    }
    return new TensorType(meta.dtype(), meta.shape());
  }

  /// Whether the name is a tensor of complex numbers, held as pairs.
  boolean isComplex(String name) {
    TensorMeta meta = model.tensorValues().get(name);
    return meta != null && meta.type().part() != null;
  }

  /// Whether a node or the graph's output reads the name.
  boolean isRead(String name) {
    return read.contains(name);
  }

  /// Marks a name whose value is missing, because its node could not be lowered.
  void lose(String name) {
    lost.add(name);
  }

  boolean isLost(String name) {
    return lost.contains(name);
  }
}
