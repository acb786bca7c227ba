package dev.deepstack.ir;

import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;

/// Ops in an order where operands come first, plus what leaves the graph. Adding an op that is there already gives the
/// value that is there.
///
/// A symbol gets its value from the shapes of inputs, or from data by a [Bind]: then the value that binds it comes
/// before every value that names it.
///
/// A graph belongs to one thread while it is built; passes build a new graph rather than change one.
public final class Graph {
  /// Something that leaves the graph.
  public sealed interface Output {
    String name();

    Value value();

    /// The same of another value.
    Output with(Value value);
  }

  /// A result for the caller.
  public record Result(String name, Value value) implements Output {
    @Override
    public Result with(Value other) {
      return new Result(name, other);
    }
  }

  /// What a state holds after the call.
  public record Update(String name, Value value) implements Output {
    @Override
    public Update with(Value other) {
      return new Update(name, other);
    }
  }

  /// What a symbol is that only the data know: an i64 scalar in the symbol's range, negative only where that is. It
  /// holds from the value on.
  public record Bind(String name, Value value) implements Output {
    @Override
    public Bind with(Value other) {
      return new Bind(name, other);
    }
  }

  /// A condition that a call must meet, a bool scalar; `name` is the sentence to say when it is false. Nothing that
  /// comes after the value is computed then.
  public record Check(String name, Value value) implements Output {
    @Override
    public Check with(Value other) {
      return new Check(name, other);
    }
  }

  private final List<Value> values = new ArrayList<>();
  private final Map<Op, Value> known = new HashMap<>();
  private final List<Output> outputs = new ArrayList<>();
  private final SequencedMap<String, DimRange> symbols = new LinkedHashMap<>();

  /// Adds an op, or finds it.
  ///
  /// @throws IrException when its operands do not fit
  public Value add(Op op) {
    Value old = known.get(op);
    if (old != null) {
      return old;
    }
    for (Value operand : OpSchema.operands(op)) {
      if (!owns(operand)) {
        throw new IrException(OpSchema.name(op) + ": operand " + operand + " is not of this graph");
      }
    }
    var value = new Value(op, op.infer(), values.size());
    values.add(value);
    known.put(op, value);
    return value;
  }

  /// Whether the value was added to this very graph: values of other graphs may have the same id.
  @SuppressWarnings("ReferenceEquality")
  boolean owns(Value value) {
    return value.id() < values.size() && values.get(value.id()) == value;
  }

  public Value input(String name, TensorType type) {
    return add(new Op.Input(name, type));
  }

  public Value state(String name, TensorType type) {
    return add(new Op.State(name, type));
  }

  public Value weight(String name, TensorType type) {
    return add(new Op.Weight(name, type));
  }

  /// A scalar of the dtype of `like`.
  public Value constant(double value, Value like) {
    return add(new Op.Constant(value, like.type().dtype()));
  }

  public Value constant(double value, DType dtype) {
    return add(new Op.Constant(value, dtype));
  }

  /// A cast, or the value itself when it has the dtype.
  public Value cast(Value x, DType dtype) {
    return x.type().dtype() == dtype ? x : add(new Op.Cast(x, dtype));
  }

  /// The activation of x.
  public Value activation(Op.Activation activation, Value x) {
    return add(switch (activation) {
      case SILU -> new Op.Silu(x);
      case GELU -> new Op.Gelu(x, false);
      case GELU_TANH -> new Op.Gelu(x, true);
      case RELU -> new Op.Max(x, constant(0, x));
      case SIGMOID -> new Op.Sigmoid(x);
    });
  }

  /// Something that leaves the graph.
  public void output(Output output) {
    outputs.add(output);
  }

  /// A result for the caller.
  public void result(String name, Value value) {
    outputs.add(new Result(name, value));
  }

  /// What a state holds after the call.
  public void update(String state, Value value) {
    outputs.add(new Update(state, value));
  }

  /// Declares the values a symbol may take.
  public void symbol(String name, DimRange range) {
    symbols.put(name, range);
  }

  public List<Value> values() {
    return Collections.unmodifiableList(values);
  }

  public List<Output> outputs() {
    return Collections.unmodifiableList(outputs);
  }

  public SequencedMap<String, DimRange> symbols() {
    return Collections.unmodifiableSequencedMap(symbols);
  }

  /// The values of one kind of op, in order.
  public <T extends Op> List<T> ops(Class<T> kind) {
    return values.stream().map(Value::op).filter(kind::isInstance).map(kind::cast).toList();
  }

  /// The text form; see [GraphText].
  @Override
  public String toString() {
    return GraphText.print(this);
  }
}
