package dev.deepstack.importer.aten;

import dev.deepstack.importer.pt2.Argument;
import dev.deepstack.importer.pt2.GraphModel;
import dev.deepstack.importer.pt2.Node;
import dev.deepstack.ir.IrException;
import dev.deepstack.tensor.MalformedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/// Walks the nodes of a graph, and of the regions inlined into it.
final class NodeLowering {
  private static final String GRAD_REGION = "torch.ops.higher_order.wrap_with_set_grad_enabled";
  private static final String AUTOCAST_REGION = "torch.ops.higher_order.wrap_with_autocast";

  private final Emit e;
  private final Operators operators;
  private final Missing missing;

  NodeLowering(Emit e, Operators operators, Missing missing) {
    this.e = e;
    this.operators = operators;
    this.missing = missing;
  }

  /// The same for another graph, or another part of it.
  NodeLowering with(Emit other) {
    return new NodeLowering(other, operators, missing);
  }

  void lower(Scope scope) {
    for (Node node : scope.model().nodes()) {
      if (node.target().equals(GRAD_REGION) || node.target().equals(AUTOCAST_REGION)) {
        region(scope, node);
      } else {
        node(scope, node);
      }
    }
  }

  private void node(Scope scope, Node node) {
    Operators.Entry entry = operators.find(node.target());
    if (entry == null && flow(scope, node)) {
      return;
    }
    if (entry == null) {
      missing.operator(node);
      lose(scope, node);
    } else if (node.inputs().stream().flatMap(i -> i.arg().valueNames().stream()).anyMatch(scope::isLost)) {
      lose(scope, node);
    } else {
      try {
        var call = new Call(e, scope, node, entry.inPlace());
        if (hasComplex(scope, node)) {
          ComplexNumbers.lower(call, Operators.packet(node.target()), entry.lowering());
        } else {
          entry.lowering().lower(call);
        }
      } catch (Refusal refusal) {
        missing.part(node, String.valueOf(refusal.getMessage()));
        lose(scope, node);
      } catch (IrException | IndexOutOfBoundsException broken) {
        throw new IrException("while importing " + node.where() + " -> "
            + node.outputs().stream().flatMap(o -> o.valueNames().stream()).toList()
            + ": " + broken.getMessage());
      }
    }
  }

  /// Lowers the node if it is one with graphs as arguments, and says whether it is.
  private boolean flow(Scope scope, Node node) {
    try {
      Boolean lowered = ControlFlow.lower(e, this, scope, node);
      if (lowered == null) {
        return false;
      }
      if (!lowered) {
        lose(scope, node);
      }
    } catch (Refusal refusal) {
      missing.part(node, String.valueOf(refusal.getMessage()));
      lose(scope, node);
    }
    return true;
  }

  private static boolean hasComplex(Scope scope, Node node) {
    return node.inputs().stream().flatMap(i -> i.arg().valueNames().stream()).anyMatch(scope::isComplex)
        || node.outputs().stream().flatMap(o -> o.valueNames().stream()).anyMatch(scope::isComplex);
  }

  /// Puts inputs in the place of results, where their types allow, so that the nodes after are looked at as
  /// well. The graph is lost anyway.
  private void lose(Scope scope, Node node) {
    for (Argument output : node.outputs()) {
      for (String name : output.valueNames()) {
        var meta = scope.model().tensorValues().get(name);
        if (meta == null || !meta.type().isSupported() && !scope.isComplex(name)) {
          scope.lose(name);
        } else {
          scope.bind(name, Variable.of(e.graph().input("missing " + name, scope.type(name))));
        }
      }
    }
  }

  /// A region is its nodes: gradients do not matter here, and autocast shows in the recorded dtypes.
  private void region(Scope scope, Node node) {
    int at = 0;
    while (at < node.inputs().size() && !(node.inputs().get(at).arg() instanceof Argument.GraphArg)) {
      at++;
    }
    if (at == node.inputs().size()) {
      throw new MalformedModelException(node.target() + " has no graph; export the model again");
    }
    GraphModel model = ((Argument.GraphArg) node.inputs().get(at).arg()).graph();
    var inner = new Scope(model);
    List<String> operands = names(node.inputs().subList(at + 1, node.inputs().size()).stream()
        .map(i -> i.arg()).toList());
    List<String> parameters = names(model.inputs());
    pair(operands, parameters, (outside, inside) -> pass(scope, outside, inner, inside));
    lower(inner);
    pair(names(model.outputs()), names(node.outputs()),
        (inside, outside) -> pass(inner, inside, scope, outside));
  }

  private static List<String> names(List<Argument> arguments) {
    var names = new ArrayList<String>();
    arguments.forEach(a -> names.addAll(a.valueNames()));
    return names;
  }

  private static void pair(List<String> from, List<String> to, BiConsumer<String, String> use) {
    for (int i = 0; i < Math.min(from.size(), to.size()); i++) {
      use.accept(from.get(i), to.get(i));
    }
  }

  private static void pass(Scope from, String name, Scope to, String as) {
    if (from.isLost(name)) {
      to.lose(as);
    } else if (from.model().tensorValues().containsKey(name)) {
      to.bind(as, from.variable(name));
    }
  }
}
