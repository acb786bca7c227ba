package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.Argument;
import dev.deepstack.importer.pt2.Node;
import dev.deepstack.importer.pt2.TensorMeta;
import dev.deepstack.ir.IrException;
import dev.deepstack.ir.Shapes;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/// One node being lowered: its arguments by parameter name, with the operator's defaults given by the reader
/// because files leave them out, and its results, whose recorded types are trusted.
final class Call {
  final Emit e;
  private final Scope scope;
  private final Node node;
  private final boolean inPlace;
  private final @Nullable Part part;
  private final List<String> results = new ArrayList<>();

  Call(Emit e, Scope scope, Node node, boolean inPlace) {
    this(e, scope, node, inPlace, null);
  }

  private Call(Emit e, Scope scope, Node node, boolean inPlace, @Nullable Part part) {
    this.part = part;
    this.e = e;
    this.scope = scope;
    this.node = node;
    this.inPlace = inPlace;
    for (Argument output : node.outputs()) {
      switch (output) {
        case Argument.TensorArg(String name) -> results.add(name);
        case Argument.TensorsArg(List<String> names) -> results.addAll(names);
        case Argument.SymFloatArg(String name) -> results.add(name);
        case Argument.SymBoolArg(String name) -> results.add(name);
        default -> results.add("");
      }
    }
  }

  /// Whether the operator has this name, without namespace and overload.
  boolean isNamed(String name) {
    return Operators.packet(node.target()).equals(name);
  }

  /// The same for one part of complex operands, as if they were real.
  Call of(Part one) {
    return new Call(e, scope, node, false, one);
  }

  // ---- arguments

  /// Whether the argument is there and not `None`.
  boolean has(String name) {
    Argument argument = node.argument(name);
    return argument != null && !(argument instanceof Argument.NoneArg);
  }

  private Argument required(String name) {
    Argument argument = node.argument(name);
    if (argument == null || argument instanceof Argument.NoneArg) {
      throw new MalformedModelException(node.where() + " has no argument \"" + name
          + "\"; export the model again");
    }
    return argument;
  }

  private Refusal odd(String name) {
    return new Refusal("argument " + name + " of an unexpected kind");
  }

  /// Whether the argument is a tensor of complex numbers.
  boolean isComplex(String name) {
    return part == null && node.argument(name) instanceof Argument.TensorArg(String value) && scope.isComplex(value);
  }

  /// Whether a result is.
  boolean givesComplex(int result) {
    return part == null && scope.isComplex(results.get(result));
  }

  /// A complex literal, or null.
  Argument.@Nullable ComplexArg complexLiteral(String name) {
    return node.argument(name) instanceof Argument.ComplexArg literal ? literal : null;
  }

  private Value read(String value, String argument, int index) {
    Value x = scope.variable(value).read(e);
    return part == null ? x : part.of(e, x, scope.isComplex(value), argument, index);
  }

  String tensorName(String name) {
    if (required(name) instanceof Argument.TensorArg(String value)) {
      return value;
    }
    throw odd(name);
  }

  Value tensor(String name) {
    // A few overloads for tensors are recorded with a number in the place of a tensor.
    if (!(required(name) instanceof Argument.TensorArg)) {
      Operand number = operand(name);
      return number.as(e, number.dtype());
    }
    return read(tensorName(name), name, 0);
  }

  @Nullable Value optional(String name) {
    return has(name) ? tensor(name) : null;
  }

  List<Value> tensors(String name) {
    if (required(name) instanceof Argument.TensorsArg(List<String> names)) {
      return IntStream.range(0, names.size()).mapToObj(i -> read(names.get(i), name, i)).toList();
    }
    throw odd(name);
  }

  /// A list of tensors with gaps.
  List<@Nullable Value> tensorsWithGaps(String name) {
    if (!(required(name) instanceof Argument.OptionalTensorsArg(var items))) {
      return new ArrayList<>(tensors(name));
    }
    var values = new ArrayList<@Nullable Value>();
    for (Argument.TensorLike item : items) {
      values.add(item instanceof Argument.TensorArg(String n) ? read(n, name, values.size()) : null);
    }
    return values;
  }

  /// A tensor or a number.
  Operand operand(String name) {
    Argument argument = required(name);
    boolean real = !(argument instanceof Argument.TensorArg || argument instanceof Argument.ComplexArg);
    if (part != null && real && part.isZero(name, 0)) {
      return Operand.of(0.0);
    }
    return switch (argument) {
      case Argument.TensorArg(String n) -> Operand.of(read(n, name, 0));
      case Argument.IntArg(long v) -> Operand.of(v);
      case Argument.FloatArg(double v) -> Operand.of(v);
      case Argument.BoolArg(boolean v) -> Operand.of(v);
      case Argument.ComplexArg z when part != null -> Operand.of(part.of(z.real(), z.imaginary(), name));
      case Argument.SymIntArg s -> Operand.weak(e.dim(scope.dim(s), DType.I64), DType.I64);
      case Argument.SymFloatArg(String n) -> Operand.weak(scope.number(n), DType.F32);
      case Argument.SymBoolArg(String n) -> Operand.weak(scope.number(n), DType.BOOL);
      default -> throw odd(name);
    };
  }

  Operand operand(String name, double otherwise) {
    return has(name) ? operand(name) : Operand.of(otherwise);
  }

  long integer(String name, long otherwise) {
    if (!has(name)) {
      return otherwise;
    }
    Dim dim = dim(name, Dim.ZERO);
    if (!dim.isConstant()) {
      throw new Refusal("argument " + name + " that depends on a dynamic size");
    }
    return dim.constant();
  }

  double number(String name, double otherwise) {
    if (!has(name)) {
      return otherwise;
    }
    return switch (required(name)) {
      case Argument.FloatArg(double v) -> v;
      case Argument.IntArg(long v) -> v;
      case Argument.BoolArg(boolean v) -> v ? 1 : 0;
      default -> throw odd(name);
    };
  }

  boolean flag(String name, boolean otherwise) {
    if (!has(name)) {
      return otherwise;
    }
    if (required(name) instanceof Argument.BoolArg(boolean v)) {
      return v;
    }
    throw odd(name);
  }

  String text(String name, String otherwise) {
    return has(name) && required(name) instanceof Argument.StringArg(String v) ? v : otherwise;
  }

  Dim dim(String name, Dim otherwise) {
    if (!has(name)) {
      return otherwise;
    }
    if (required(name) instanceof Argument.IntLike i) {
      return scope.dim(i);
    }
    throw odd(name);
  }

  List<Dim> dims(String name) {
    return switch (required(name)) {
      case Argument.IntsArg(List<Long> values) -> values.stream().map(Dim::of).toList();
      case Argument.SymIntsArg(var values) -> values.stream().map(scope::dim).toList();
      case Argument.TensorsArg(var names) when names.isEmpty() -> List.of();
      case Argument.IntLike i -> List.of(scope.dim(i));
      default -> throw odd(name);
    };
  }

  List<Long> integers(String name) {
    List<Dim> dims = dims(name);
    if (!dims.stream().allMatch(Dim::isConstant)) {
      throw new Refusal("argument " + name + " that depends on a dynamic size");
    }
    return dims.stream().map(Dim::constant).toList();
  }

  List<Double> numbers(String name) {
    return required(name) instanceof Argument.FloatsArg(List<Double> values) ? values
        : integers(name).stream().map(Long::doubleValue).toList();
  }

  /// One axis of a tensor of that rank, not negative. A scalar has the axis 0 as far as PyTorch is concerned.
  int axis(String name, long otherwise, int rank) {
    return normal(integer(name, otherwise), rank);
  }

  private int normal(long axis, int rank) {
    long a = axis < 0 ? axis + Math.max(rank, 1) : axis;
    if (a < 0 || a >= Math.max(rank, 1)) {
      throw new MalformedModelException(node.where() + " names axis " + axis + " of a tensor of rank "
          + rank);
    }
    return (int) a;
  }

  /// Several axes, in the order given.
  List<Integer> axesInOrder(String name, int rank) {
    return integers(name).stream().map(a -> normal(a, rank)).toList();
  }

  /// Several axes, ascending; all of them when the argument is missing or empty. Those of a scalar are none.
  List<Integer> axes(String name, int rank) {
    if (rank == 0) {
      return List.of();
    }
    List<Integer> axes = has(name) ? axesInOrder(name, rank) : List.of();
    return axes.isEmpty() ? Emit.axes(rank) : axes.stream().sorted().toList();
  }

  TensorMeta meta(String name) {
    return scope.meta(tensorName(name));
  }

  // ---- results

  /// The recorded type of the first result.
  TensorType type() {
    return type(0);
  }

  TensorType type(int result) {
    String name = results.get(result);
    return part != null && scope.isComplex(name) ? Part.type(scope.type(name)) : scope.type(name);
  }

  DType dtype() {
    return type().dtype();
  }

  Shape shape() {
    return type().shape();
  }

  int resultCount() {
    return results.size();
  }

  /// Whether anything reads a result.
  boolean isRead(int result) {
    return result < results.size() && scope.isRead(results.get(result));
  }

  /// Gives the only (or first) result, or writes it into `self` for an in-place operator.
  void set(Value value) {
    if (!inPlace) {
      set(0, value);
      return;
    }
    Variable self = scope.variable(tensorName("self"));
    self.write(e, as(value, self.read(e).type()));
    results.forEach(r -> scope.bind(r, self));
  }

  void set(int result, Value value) {
    Value typed = as(value, type(result));
    if (part != null) {
      part.results().put(result, typed);
    } else {
      scope.bind(results.get(result), Variable.of(typed));
    }
  }

  /// Gives a result whose recorded type is not to be trusted.
  void setUnrecorded(int result, Value value) {
    scope.bind(results.get(result), Variable.of(value));
  }

  /// Whether the result is a symbolic float, which needs a value; symbolic integers are recorded.
  boolean givesFloat() {
    return !node.outputs().isEmpty() && node.outputs().getFirst() instanceof Argument.SymFloatArg;
  }

  /// Whether the result is a symbolic truth value, which needs a value as well.
  boolean givesTruth() {
    return !node.outputs().isEmpty() && node.outputs().getFirst() instanceof Argument.SymBoolArg;
  }

  /// The result as the file says it in terms of the symbols, when it is a symbolic integer.
  @Nullable Dim resultDim() {
    return !node.outputs().isEmpty() && node.outputs().getFirst() instanceof Argument.SymIntArg s ? scope.dim(s) : null;
  }

  void setNumber(Value value) {
    scope.bindNumber(results.getFirst(), value);
  }

  /// The value with the recorded type.
  private Value as(Value value, TensorType recorded) {
    Value typed = e.cast(value, recorded.dtype());
    Shape shape = typed.type().shape();
    if (shape.equals(recorded.shape())) {
      return typed;
    }
    if (shape.rank() <= recorded.rank()
        && recorded.shape().equals(Shapes.broadcast(shape, recorded.shape()))) {
      return e.expand(typed, recorded.shape());
    }
    throw new IrException(node.where() + " gives " + typed.type() + " where the file says " + recorded);
  }

  /// Makes the result another name of an argument.
  void alias(String argument) {
    view(argument);
  }

  /// Makes the result a view of an argument.
  void view(String argument, ViewStep... steps) {
    view(0, argument, steps);
  }

  void view(int result, String argument, ViewStep... steps) {
    Variable variable = part == null ? scope.variable(tensorName(argument)) : Variable.of(tensor(argument));
    for (ViewStep step : steps) {
      variable = variable.view(step);
    }
    if (steps.length > 0) {
      Value value = variable.read(e);
      TensorType recorded = type(result);
      if (!value.type().equals(recorded)) {
        throw new IrException(node.where() + " gives " + value.type() + " where the file says " + recorded);
      }
    }
    if (part != null) {
      part.results().put(result, variable.read(e));
    } else {
      scope.bind(results.get(result), variable);
    }
  }
}
