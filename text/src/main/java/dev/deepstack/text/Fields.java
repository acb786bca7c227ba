package dev.deepstack.text;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

/// A part of a JSON file and where it stands, for typed access with errors that name the place.
record Fields(JsonNode node, String where) {
  TokenizerException broken(String problem) {
    return new TokenizerException(where + " " + problem);
  }

  /// A member that must be there (`null` counts as missing).
  Fields required(String key) {
    var found = optional(key);
    if (found == null) {
      throw broken("lacks '" + key + "'");
    }
    return found;
  }

  @Nullable Fields optional(String key) {
    var found = object().node.get(key);
    return found == null || found.isNull() ? null : new Fields(found, where + "." + key);
  }

  Fields object() {
    if (!node.isObject()) {
      throw broken("must be an object");
    }
    return this;
  }

  /// The node of an array.
  JsonNode array() {
    if (!node.isArray()) {
      throw broken("must be an array");
    }
    return node;
  }

  List<Fields> elements() {
    array();
    var elements = new ArrayList<Fields>(node.size());
    for (var element : node) {
      elements.add(new Fields(element, where + "[" + elements.size() + "]"));
    }
    return elements;
  }

  String text() {
    if (!node.isString()) {
      throw broken("must be a string");
    }
    return node.stringValue();
  }

  /// A whole number from 0 to `max`.
  int number(int max) {
    if (!node.isIntegralNumber() || !node.canConvertToInt() || node.intValue() < 0 || node.intValue() > max) {
      throw broken("must be a whole number from 0 to %d, not %s".formatted(max, shorten(node.toString())));
    }
    return node.intValue();
  }

  boolean flag() {
    if (!node.isBoolean()) {
      throw broken("must be true or false");
    }
    return node.booleanValue();
  }

  boolean flag(String key, boolean whenMissing) {
    var found = optional(key);
    return found == null ? whenMissing : found.flag();
  }

  String type() {
    return required("type").text();
  }

  TokenizerException unsupported(String what) {
    return new TokenizerException(
        "%s: %s '%s' is not supported".formatted(where, what, shorten(type())));
  }

  static String shorten(String text) {
    return text.length() <= 60 ? text : text.substring(0, 60) + "…";
  }
}
