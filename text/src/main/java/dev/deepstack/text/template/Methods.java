package dev.deepstack.text.template;

import dev.deepstack.text.template.Arguments.Bound;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// The methods of strings, lists and maps that a template can call. Those that would change a value are
/// refused, as in Jinja's immutable sandbox.
final class Methods {
  private final Budget budget;

  Methods(Budget budget) {
    this.budget = budget;
  }

  /// The value's method of this name, bound to it, or null.
  @Nullable Callable find(Object value, String name) {
    return switch (value) {
      case String text -> TextMethods.has(name)
          ? new Callable.Named(name, arguments -> new TextMethods(budget).call(text, name, arguments)) : null;
      case Map<?, ?> map -> switch (name) {
        case "items", "keys", "values", "get", "copy" ->
            new Callable.Named(name, arguments -> ofMap(Values.map(map), name, arguments));
        case "pop", "popitem", "update", "clear", "setdefault" -> refused(name);
        default -> null;
      };
      case List<?> list -> switch (name) {
        case "index", "count", "copy" ->
            new Callable.Named(name, arguments -> ofList(Values.list(list), name, arguments));
        case "append", "extend", "insert", "pop", "remove", "reverse", "sort", "clear" ->
            list instanceof Tuple ? null : refused(name);
        default -> null;
      };
      default -> null;
    };
  }

  private static Callable refused(String name) {
    return new Callable.Named(name, _ -> {
      throw new TemplateException("'%s' would change a value, which a template may not".formatted(name));
    });
  }

  private Object ofMap(Map<Object, Object> map, String name, Arguments arguments) {
    if (name.equals("get")) {
      var bound = arguments.bind(name, "key", "default");
      var found = map.get(Values.key(bound.get("key")));
      return found != null ? found : bound.get("default", None.NONE);
    }
    arguments.bind(name);
    budget.make(map.size());
    return switch (name) {
      case "items" -> items(map);
      case "keys" -> new ArrayList<>(map.keySet());
      case "values" -> new ArrayList<>(map.values());
      default -> new LinkedHashMap<>(map);
    };
  }

  static List<Object> items(Map<Object, Object> map) {
    var items = new ArrayList<Object>(map.size());
    map.forEach((key, value) -> items.add(Tuple.of(key, value)));
    return items;
  }

  private Object ofList(List<Object> list, String name, Arguments arguments) {
    budget.make(list.size());
    if (name.equals("copy")) {
      arguments.bind(name);
      return new ArrayList<>(list);
    }
    Bound bound = arguments.bind(name, "value");
    var value = bound.get("value");
    if (name.equals("count")) {
      return list.stream().filter(item -> Values.equal(item, value, budget)).count();
    }
    for (int i = 0; i < list.size(); i++) {
      if (Values.equal(list.get(i), value, budget)) {
        return (long) i;
      }
    }
    throw new TemplateException("a list has no item " + Spelling.literal(value, budget));
  }
}
