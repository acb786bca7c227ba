package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.Argument;
import dev.deepstack.importer.pt2.GraphModel;
import dev.deepstack.importer.pt2.Node;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Operators with graphs as arguments: `cond` as both branches and a choice between their results, `while_loop`, `scan`
/// and `map` as loops.
final class ControlFlow {
  private static final String PREFIX = "torch.ops.higher_order.";

  /// A graph lost something that is reported as missing.
  private static final class Lost extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private final Emit e;
  private final NodeLowering nodes;
  private final Scope scope;
  private final Node node;

  private ControlFlow(Emit e, NodeLowering nodes, Scope scope, Node node) {
    this.e = e;
    this.nodes = nodes;
    this.scope = scope;
    this.node = node;
  }

  /// Lowers the node if it is one of these operators.
  ///
  /// @return null if it is not; false when something in it is missing
  static @Nullable Boolean lower(Emit e, NodeLowering nodes, Scope scope, Node node) {
    Consumer<ControlFlow> lowering = switch (node.target()) {
      case PREFIX + "cond" -> ControlFlow::cond;
      case PREFIX + "while_loop" -> ControlFlow::whileLoop;
      case PREFIX + "scan" -> ControlFlow::scan;
      case PREFIX + "map_impl" -> ControlFlow::map;
      default -> null;
    };
    if (lowering == null) {
      return null;
    }
    try {
      lowering.accept(new ControlFlow(e, nodes, scope, node));
      return true;
    } catch (Lost _) {
      return false;
    }
  }

  private void cond() {
    Value predicate = e.truth(value(scope, argument(0)));
    List<Value> operands = values(scope, argument(3));
    List<Value> yes = results(e.under(predicate), graph(1), operands);
    List<Value> no = results(e.under(e.of(new Op.Not(predicate))), graph(2), operands);
    var chosen = new ArrayList<Value>();
    for (int i = 0; i < yes.size(); i++) {
      TensorType type = yes.get(i).type();
      if (i >= no.size() || !no.get(i).type().equals(type)) {
        throw new Refusal("branches that give different shapes");
      }
      chosen.add(e.of(new Op.Choose(predicate, yes.get(i), no.get(i))));
    }
    define(chosen);
  }

  private void whileLoop() {
    GraphModel condition = graph(0);
    List<Value> carried = values(scope, argument(2));
    List<Value> more = values(scope, argument(3));
    var loop = new LoopBuilder(e);
    loop.carry(e.truth(results(e, condition, join(carried, more)).getFirst()));
    List<Value> inside = new ArrayList<>(carried.stream().map(loop::carry).toList());
    List<Value> given = more.stream().map(loop::given).toList();
    List<Value> next = results(loop.e, graph(1), join(inside, given));
    loop.next(loop.e.truth(results(loop.e, condition, join(next, given)).getFirst()));
    next.forEach(loop::next);
    List<Value> all = loop.close(null);
    define(all.subList(1, all.size()));
  }

  private void scan() {
    List<Value> initial = values(scope, argument(1));
    List<Value> elements = values(scope, argument(2));
    List<Value> more = values(scope, argument(3));
    repeat(initial, elements, more, graph(0));
  }

  private void map() {
    repeat(List.of(), values(scope, argument(1)), values(scope, argument(2)), graph(0));
  }

  private void repeat(List<Value> initial, List<Value> elements, List<Value> more, GraphModel combine) {
    if (elements.isEmpty()) {
      throw new Refusal("nothing to go through");
    }
    var loop = new LoopBuilder(e);
    var arguments = new ArrayList<>(initial.stream().map(loop::carry).toList());
    elements.forEach(x -> arguments.add(loop.element(x, loop.counter())));
    more.forEach(x -> arguments.add(loop.given(x)));
    List<Value> results = results(loop.e, combine, arguments);
    results.subList(0, initial.size()).forEach(loop::next);
    results.subList(initial.size(), results.size()).forEach(loop::out);
    define(loop.close(elements.getFirst().type().dim(0)));
  }

  // ---- arguments and results

  private Argument argument(int i) {
    if (i >= node.inputs().size()) {
      throw new MalformedModelException(node.target() + " has no argument " + i + "; export the model again");
    }
    return node.inputs().get(i).arg();
  }

  private GraphModel graph(int i) {
    if (argument(i) instanceof Argument.GraphArg(var _, GraphModel graph)) {
      return graph;
    }
    throw new MalformedModelException(node.target() + " has no graph as argument " + i + "; export the model again");
  }

  private static List<Value> join(List<Value> a, List<Value> b) {
    var all = new ArrayList<>(a);
    all.addAll(b);
    return all;
  }

  private static List<Argument> flat(Argument argument) {
    return switch (argument) {
      case Argument.TensorsArg(List<String> names) ->
          names.stream().map(n -> (Argument) new Argument.TensorArg(n)).toList();
      case Argument.OptionalTensorsArg(var items) -> List.copyOf(items);
      case Argument.SymIntsArg(var items) -> List.copyOf(items);
      case Argument.IntsArg(var items) -> items.stream().map(i -> (Argument) new Argument.IntArg(i)).toList();
      default -> List.of(argument);
    };
  }

  private List<Value> values(Scope from, Argument list) {
    return flat(list).stream().map(a -> value(from, a)).toList();
  }

  /// Numbers are scalars.
  private Value value(Scope from, Argument argument) {
    if (argument.valueNames().stream().anyMatch(from::isLost)) {
      throw new Lost();
    }
    return switch (argument) {
      case Argument.TensorArg(String name) -> from.variable(name).read(e);
      case Argument.IntLike i -> e.dim(from.dim(i), DType.I64);
      case Argument.BoolArg(boolean b) -> e.constant(b ? 1 : 0, DType.BOOL);
      case Argument.FloatArg(double d) -> e.constant(d, DType.F64);
      case Argument.SymBoolArg(String name) -> from.number(name);
      case Argument.SymFloatArg(String name) -> from.number(name);
      default -> throw new Refusal("an argument of an unexpected kind");
    };
  }

  /// Lowers a graph, on operands, where `into` adds ops.
  private List<Value> results(Emit into, GraphModel model, List<Value> operands) {
    var inner = new Scope(model);
    List<Argument> parameters = model.inputs().stream().flatMap(a -> flat(a).stream()).toList();
    if (parameters.size() > operands.size()) {
      throw new MalformedModelException(node.target() + " passes " + operands.size() + " values to a graph of "
          + parameters.size() + "; export the model again");
    }
    for (int i = 0; i < parameters.size(); i++) {
      define(into, inner, parameters.get(i), operands.get(i));
    }
    nodes.with(into).lower(inner);
    var flow = new ControlFlow(into, nodes, inner, node);
    return model.outputs().stream().flatMap(o -> flow.values(inner, o).stream()).toList();
  }

  private void define(List<Value> results) {
    List<Argument> outputs = node.outputs().stream().flatMap(o -> flat(o).stream()).toList();
    for (int i = 0; i < Math.min(outputs.size(), results.size()); i++) {
      define(e, scope, outputs.get(i), results.get(i));
    }
  }

  private static void define(Emit into, Scope to, Argument name, Value value) {
    switch (name) {
      case Argument.TensorArg(String n) -> to.bind(n, Variable.of(into.as(value, to.type(n))));
      case Argument.SymIntArg s -> {
        Dim size = to.dim(s);
        boolean known = value.op() instanceof Op.DimValue(Dim dim) && dim.equals(size);
        if (!known && !(value.op() instanceof Op.Constant && size.isConstant())) {
          into.bind(size, value);
        }
      }
      case Argument.SymBoolArg(String n) -> to.bindNumber(n, value);
      case Argument.SymFloatArg(String n) -> to.bindNumber(n, value);
      default -> { }
    }
  }
}
