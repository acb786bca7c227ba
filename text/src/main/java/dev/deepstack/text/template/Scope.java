package dev.deepstack.text.template;

import java.util.HashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Names and their values, within those of another scope.
final class Scope {
  private final @Nullable Scope outer;
  private final Map<String, Object> values = new HashMap<>();

  Scope(@Nullable Scope outer) {
    this.outer = outer;
  }

  void set(String name, Object value) {
    values.put(name, value);
  }

  @Nullable Object find(String name) {
    for (var scope = this; scope != null; scope = scope.outer) {
      var value = scope.values.get(name);
      if (value != null) {
        return value;
      }
    }
    return null;
  }
}
