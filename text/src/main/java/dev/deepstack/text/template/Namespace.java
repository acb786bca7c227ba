package dev.deepstack.text.template;

import java.util.HashMap;
import java.util.Map;

/// `namespace(…)`: the one value whose attributes a template can set.
record Namespace(Map<String, Object> attributes) {
  Namespace() {
    this(new HashMap<>());
  }

  void set(String name, Object value) {
    if (name.startsWith("_")) {
      throw new TemplateException("a namespace cannot have an attribute '" + name + "'");
    }
    attributes.put(name, value);
  }
}
