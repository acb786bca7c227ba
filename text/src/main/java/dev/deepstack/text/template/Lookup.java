package dev.deepstack.text.template;

import java.util.Map;

/// Attributes and items, in the order in which Jinja looks for either.
final class Lookup {
  private final Budget budget;
  private final Operators operators;
  private final Methods methods;

  Lookup(Budget budget, Operators operators) {
    this.budget = budget;
    this.operators = operators;
    methods = new Methods(budget);
  }

  /// `of.name`: a method, else an item.
  Object attribute(Object of, String name) {
    if (of instanceof Undefined undefined) {
      throw undefined.error();
    }
    if (of instanceof Loop loop) {
      return loop.attribute(name);
    }
    if (of instanceof Namespace namespace) {
      return namespace.attributes().getOrDefault(name, new Undefined("'" + name + "' of a namespace"));
    }
    var method = methods.find(of, name);
    if (method != null) {
      return method;
    }
    if (of instanceof Map<?, ?> map) {
      var found = Values.map(map).get(name);
      return found != null ? found : new Undefined("'" + name + "' of a map");
    }
    return new Undefined("'%s' of %s".formatted(name, Values.kind(of)));
  }

  /// `of[key]`: an item, else a method.
  Object item(Object of, Object key) {
    if (of instanceof Namespace || of instanceof Loop) {
      return attribute(of, Spelling.text(key, budget));
    }
    var found = operators.item(of, key);
    if (found instanceof Undefined && key instanceof String name) {
      var method = methods.find(of, name);
      return method != null ? method : found;
    }
    return found;
  }
}
