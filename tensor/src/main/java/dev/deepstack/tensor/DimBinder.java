package dev.deepstack.tensor;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.TreeSet;

/// Checks a call's inputs against their declared types, and finds the value of every symbol in those types.
///
/// An axis declared `s` gives `s` its extent; an axis declared `2*s+1` is solved for `s` when nothing simpler gives it.
/// Axes with several unknown symbols or calls such as `floordiv(s,2)` only check what other axes gave.
public final class DimBinder {
  /// One axis of one input: its declared extent has to come out as `extent`.
  private record Axis(String input, int index, Dim declared, long extent) {
    String place() {
      return "input " + input + ", axis " + index;
    }
  }

  private final Map<String, DimRange> ranges;
  private final SequencedMap<String, Long> symbols = new LinkedHashMap<>();
  private final Map<String, Axis> origins = new HashMap<>();

  private DimBinder(Map<String, DimRange> ranges) {
    this.ranges = ranges;
  }

  /// The value of each symbol that occurs in the declared types. Symbols without a range may be 0 or more.
  ///
  /// @throws InvalidInputException when a name is missing or unknown; when dtype, rank or an extent is not as declared;
  ///     when a symbol is out of range, differs between two axes or cannot be known
  public static SequencedMap<String, Long> bind(
      Map<String, TensorType> declared, Map<String, DimRange> ranges, Map<String, HostTensor> actual) {
    checkNames(declared, actual);
    var axes = new ArrayList<Axis>();
    declared.forEach((name, type) -> axes.addAll(axes(name, type, Objects.requireNonNull(actual.get(name)))));
    var binder = new DimBinder(ranges);
    binder.solve(axes);
    return binder.symbols;
  }

  private static void checkNames(Map<String, TensorType> declared, Map<String, HostTensor> actual) {
    var missing = new TreeSet<>(declared.keySet());
    missing.removeAll(actual.keySet());
    if (!missing.isEmpty()) {
      throw new InvalidInputException("missing input: " + String.join(", ", missing) + "; the inputs are "
          + String.join(", ", declared.keySet()));
    }
    var extra = new TreeSet<>(actual.keySet());
    extra.removeAll(declared.keySet());
    if (!extra.isEmpty()) {
      throw new InvalidInputException("unknown input: " + String.join(", ", extra) + "; the inputs are "
          + String.join(", ", declared.keySet()));
    }
  }

  private static List<Axis> axes(String name, TensorType type, HostTensor tensor) {
    if (tensor.dtype() != type.dtype()) {
      throw new InvalidInputException(
          "input " + name + ": dtype is " + tensor.dtype().text() + " but must be " + type.dtype().text());
    }
    long[] shape = tensor.shape();
    if (shape.length != type.rank()) {
      throw new InvalidInputException("input " + name + ": " + tensor + " has rank " + shape.length
          + " but must be " + type);
    }
    var axes = new ArrayList<Axis>();
    for (int i = 0; i < shape.length; i++) {
      axes.add(new Axis(name, i, type.dim(i), shape[i]));
    }
    return axes;
  }

  /// Simplest axes first, so that a plain `s` says what `s` is before `2*s+1` is checked against it.
  private void solve(List<Axis> axes) {
    var open = new ArrayList<>(axes);
    open.sort(Comparator.comparingInt(a -> a.declared().toString().length()));
    boolean progress = true;
    while (progress) {
      progress = open.removeIf(this::settle);
    }
    if (!open.isEmpty()) {
      Axis axis = open.getFirst();
      throw new InvalidInputException(axis.place() + ": " + unknown(axis) + " cannot be known from the extent "
          + axis.extent() + " of " + axis.declared() + "; no other input gives it");
    }
  }

  private String unknown(Axis axis) {
    var names = axis.declared().symbols();
    names.removeAll(symbols.keySet());
    return String.join(", ", names);
  }

  /// Checks the axis, or takes a symbol from it; false when too much of it is unknown yet.
  private boolean settle(Axis axis) {
    var known = new HashMap<String, Dim>();
    symbols.forEach((name, value) -> known.put(name, Dim.of(value)));
    Dim rest = axis.declared().substitute(known);
    if (rest.symbols().isEmpty()) {
      check(axis, rest.evaluate(Map.of()));
      return true;
    }
    if (rest.symbols().size() > 1) {
      return false;
    }
    String symbol = rest.symbols().first();
    Dim constant = Dim.of(rest.substitute(Map.of(symbol, Dim.ZERO)).evaluate(Map.of()));
    Dim slope = rest.minus(constant).divideExactly(Dim.symbol(symbol));
    if (slope == null || !slope.isConstant()) {
      return false;
    }
    take(axis, symbol, axis.extent() - constant.constant(), slope.constant());
    return true;
  }

  private void check(Axis axis, long expected) {
    if (axis.extent() == expected) {
      return;
    }
    String message = axis.place() + ": the extent is " + axis.extent() + " but must be " + expected;
    if (axis.declared().isConstant()) {
      throw new InvalidInputException(message);
    }
    var because = axis.declared().symbols().stream()
        .map(s -> s + " is " + symbols.get(s) + " by " + origin(s))
        .toList();
    throw new InvalidInputException(message + " (" + axis.declared() + ", where " + String.join(", ", because) + ")");
  }

  private String origin(String symbol) {
    Axis axis = origins.get(symbol);
    return axis == null ? "another input" : axis.place();
  }

  private void take(Axis axis, String symbol, long multiple, long slope) {
    if (multiple % slope != 0) {
      throw new InvalidInputException(axis.place() + ": the extent is " + axis.extent() + " but must be "
          + axis.declared() + " for some integer " + symbol);
    }
    long value = multiple / slope;
    DimRange range = ranges.getOrDefault(symbol, new DimRange(0, Long.MAX_VALUE));
    if (!range.contains(value)) {
      String allowed = range.isBounded()
          ? "between " + range.min() + " and " + range.max()
          : "at least " + range.min();
      throw new InvalidInputException(axis.place() + ": the extent is " + axis.extent() + ", which makes " + symbol
          + " = " + value + "; " + symbol + " must be " + allowed);
    }
    symbols.put(symbol, value);
    origins.put(symbol, axis);
  }
}
