package dev.deepstack.text.template;

import dev.deepstack.text.template.Node.MacroDefinition;
import dev.deepstack.text.template.Node.Target;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Runs the statements of a template.
final class Interpreter {
  /// How a list of statements ended.
  private enum Flow { NEXT, BREAK, CONTINUE }

  private final String name;
  private final Budget budget;
  private final Evaluator evaluator;

  Interpreter(String name, Budget budget) {
    this.name = name;
    this.budget = budget;
    this.evaluator = new Evaluator(budget);
  }

  String run(List<Node> nodes, Scope scope) {
    var out = new StringBuilder();
    run(nodes, scope, out);
    return out.toString();
  }

  private Flow run(List<Node> nodes, Scope scope, StringBuilder out) {
    for (var node : nodes) {
      var flow = run(node, scope, out);
      if (flow != Flow.NEXT) {
        return flow;
      }
    }
    return Flow.NEXT;
  }

  private Flow run(Node node, Scope scope, StringBuilder out) {
    budget.step();
    switch (node) {
      case Node.Placed(var inner, var line) -> {
        try {
          return run(inner, scope, out);
        } catch (TemplateException e) {
          throw e.at(name, line);
        }
      }
      case Node.Data(var text) -> write(text, out);
      case Node.Print(var value) -> write(Spelling.text(evaluator.value(value, scope), budget), out);
      case Node.If branch -> {
        return branch(branch, scope, out);
      }
      case Node.For loop -> loop(loop, evaluator.value(loop.items(), scope), scope, out, 1);
      case Node.Set(var target, var value) -> assign(target, evaluator.value(value, scope), scope);
      case Node.SetBlock(var target, var body, var filtered) ->
          assign(target, filtered(body, filtered, scope), scope);
      case Node.FilterBlock(var body, var filtered) ->
          write(Spelling.text(filtered(body, filtered, scope), budget), out);
      case Node.DefineMacro(var definition) -> scope.set(definition.name(), macro(definition, scope));
      case Node.CallBlock(var caller, var call) -> write(called(caller, call, scope), out);
      case Node.Scoped(var names, var body) -> {
        var inner = new Scope(scope);
        for (var name : names) {
          assign(name.target(), evaluator.value(name.value(), scope), inner);
        }
        return run(body, inner, out);
      }
      case Node.Break() -> {
        return Flow.BREAK;
      }
      case Node.Continue() -> {
        return Flow.CONTINUE;
      }
    }
    return Flow.NEXT;
  }

  private void write(String text, StringBuilder out) {
    budget.make(text.length());
    out.append(text);
  }

  /// A chain of `elif` is a loop here, so that its length does not matter.
  private Flow branch(Node.If first, Scope scope, StringBuilder out) {
    var branch = first;
    while (!evaluator.test(branch.test(), scope)) {
      if (branch.otherwise().size() == 1 && branch.otherwise().getFirst() instanceof Node.If next) {
        branch = next;
      } else {
        return run(branch.otherwise(), scope, out);
      }
    }
    return run(branch.then(), scope, out);
  }

  private void loop(Node.For node, Object over, Scope scope, StringBuilder out, int depth) {
    var items = new ArrayList<Object>();
    boolean all = node.filter() instanceof Expr.Literal(var always) && Values.isTrue(always);
    for (var item : Values.items(over, budget)) {
      if (!all) {
        var inner = new Scope(scope);
        assign(node.target(), item, inner);
        if (!evaluator.test(node.filter(), inner)) {
          continue;
        }
      }
      items.add(item);
    }
    budget.make(items.size());
    budget.enter();
    var loop = new Loop(items, depth, budget, more -> recursion(node, more, scope, depth));
    var flow = Flow.NEXT;
    while (flow != Flow.BREAK && loop.next()) {
      var inner = new Scope(scope);
      inner.set("loop", loop);
      assign(node.target(), loop.item(), inner);
      flow = run(node.body(), inner, out);
    }
    if (items.isEmpty()) {
      run(node.otherwise(), new Scope(scope), out);
    }
    budget.leave();
  }

  private Object recursion(Node.For node, Object items, Scope scope, int depth) {
    if (!node.recursive()) {
      throw new TemplateException("a loop that is not recursive is called");
    }
    var out = new StringBuilder();
    loop(node, items, scope, out, depth + 1);
    return out.toString();
  }

  private void assign(Target target, Object value, Scope scope) {
    switch (target) {
      case Target.Name(var name) -> scope.set(name, value);
      case Target.Attribute(var of, var name) -> {
        if (!(scope.find(of) instanceof Namespace namespace)) {
          throw new TemplateException("'%s' is no namespace, so its '%s' cannot be set".formatted(of, name));
        }
        namespace.set(name, value);
      }
      case Target.Several(var targets) -> {
        var items = Values.items(value, budget);
        if (items.size() != targets.size()) {
          throw new TemplateException("%d values are assigned to %d names".formatted(items.size(), targets.size()));
        }
        for (int i = 0; i < targets.size(); i++) {
          assign(targets.get(i), items.get(i), scope);
        }
      }
    }
  }

  private Object filtered(List<Node> body, Expr filters, Scope scope) {
    var out = new StringBuilder();
    var inner = new Scope(scope);
    run(body, inner, out);
    inner.set(Node.CAPTURED, out.toString());
    return evaluator.value(filters, inner);
  }

  private String called(MacroDefinition caller, Expr.Call call, Scope scope) {
    var arguments = evaluator.arguments(call.arguments(), scope);
    var named = new LinkedHashMap<>(arguments.named());
    named.put("caller", macro(caller, scope));
    var result = evaluator.call(
        evaluator.value(call.function(), scope), new Arguments(arguments.positional(), named));
    return Spelling.text(result, budget);
  }

  private Callable macro(MacroDefinition definition, Scope scope) {
    return new Callable.Named(
        "Macro '" + definition.name() + "'", arguments -> expand(definition, arguments, scope));
  }

  private String expand(MacroDefinition definition, Arguments arguments, Scope scope) {
    budget.enter();
    var inner = new Scope(scope);
    var parameters = definition.parameters();
    var named = new LinkedHashMap<>(arguments.named());
    int withoutDefault = parameters.size() - definition.defaults().size();
    for (int i = 0; i < parameters.size(); i++) {
      var parameter = parameters.get(i);
      var byName = named.remove(parameter);
      if (i < arguments.positional().size()) {
        inner.set(parameter, arguments.positional().get(i));
      } else if (byName != null) {
        inner.set(parameter, byName);
      } else {
        inner.set(parameter, i < withoutDefault ? new Undefined("parameter '" + parameter + "'")
            : evaluator.value(definition.defaults().get(i - withoutDefault), inner));
      }
    }
    var caller = named.remove("caller");
    inner.set("caller", caller != null ? caller : new Undefined("'caller'"));
    bindRest(definition, arguments, named, inner);
    var out = new StringBuilder();
    run(definition.body(), inner, out);
    budget.leave();
    return out.toString();
  }

  /// `varargs` and `kwargs`, where the macro's body may use them.
  private static void bindRest(
      MacroDefinition definition, Arguments arguments, Map<String, Object> named, Scope inner) {
    int taken = Math.min(arguments.positional().size(), definition.parameters().size());
    inner.set("varargs", new Tuple(arguments.positional().subList(taken, arguments.positional().size())));
    inner.set("kwargs", new LinkedHashMap<Object, Object>(named));
  }
}
