package dev.deepstack.text.template;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The values that a call passes.
record Arguments(List<Object> positional, Map<String, Object> named) {
  static final Arguments NONE = new Arguments(List.of(), Map.of());

  /// These arguments by the names of a function's parameters.
  Bound bind(String function, String... parameters) {
    if (positional.size() > parameters.length) {
      throw new TemplateException("%s takes at most %d arguments, not %d"
          .formatted(function, parameters.length, positional.size()));
    }
    var values = new HashMap<String, Object>();
    for (int i = 0; i < positional.size(); i++) {
      values.put(parameters[i], positional.get(i));
    }
    var known = Set.of(parameters);
    named.forEach((name, value) -> {
      if (!known.contains(name) || values.put(name, value) != null) {
        throw new TemplateException("%s cannot be given '%s' %s".formatted(
            function, name, known.contains(name) ? "twice" : "by name"));
      }
    });
    return new Bound(function, values);
  }

  /// Without the first positional argument.
  Arguments rest() {
    return new Arguments(positional.subList(1, positional.size()), named);
  }

  /// Arguments by name.
  record Bound(String function, Map<String, Object> values) {
    boolean has(String name) {
      return values.containsKey(name) && values.get(name) != None.NONE;
    }

    Object get(String name) {
      var value = values.get(name);
      if (value == null) {
        throw new TemplateException("%s needs the argument '%s'".formatted(function, name));
      }
      return value;
    }

    Object get(String name, Object otherwise) {
      return values.getOrDefault(name, otherwise);
    }

    String text(String name) {
      return needText(name, get(name));
    }

    String text(String name, String otherwise) {
      return needText(name, get(name, otherwise));
    }

    private String needText(String name, Object value) {
      if (!(value instanceof String text)) {
        throw new TemplateException("%s needs a string for '%s', not %s"
            .formatted(function, name, Values.kind(value)));
      }
      return text;
    }

    boolean flag(String name) {
      return Values.isTrue(get(name, false));
    }

    long number(String name, long otherwise) {
      return Values.index(get(name, otherwise), function);
    }
  }
}
