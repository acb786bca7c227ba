package dev.deepstack.importer.pt2;

import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// The nesting of Python containers around a program's inputs or outputs. A leaf has no type.
record TreeSpec(@Nullable String type, List<String> keys, List<TreeSpec> children) {
  private static final String DICT = "builtins.dict";
  private static final String ORDERED_DICT = "collections.OrderedDict";

  /// Reads the text `[1, node]`.
  static TreeSpec parse(String text, Place place) {
    try (var json = new JsonCursor(text, place)) {
      var nodes = json.list(() -> json.isStartOfObject() ? read(json, place) : skip(json));
      json.end();
      if (nodes.size() != 2) {
        throw json.malformed("is not a calling convention");
      }
      return nodes.get(1);
    }
  }

  private static TreeSpec skip(JsonCursor json) {
    json.skip();
    return new TreeSpec(null, List.of(), List.of());
  }

  private static TreeSpec read(JsonCursor json, Place place) {
    String type = null;
    String context = null;
    List<TreeSpec> children = List.of();
    for (var key = json.enter(); key != null; key = json.next()) {
      switch (key) {
        case "type" -> type = json.orNull(json::string);
        case "context" -> context = json.isString() ? json.string() : skipped(json);
        case "children_spec" -> children = json.list(() -> read(json, place));
        default -> json.skip();
      }
    }
    var keys = context != null && (DICT.equals(type) || ORDERED_DICT.equals(type))
        ? keys(context, place) : List.<String>of();
    return new TreeSpec(type, keys.size() == children.size() ? keys : List.of(), children);
  }

  private static @Nullable String skipped(JsonCursor json) {
    json.skip();
    return null;
  }

  /// The keys of a dict; a key that is no string has no usable name.
  private static List<String> keys(String context, Place place) {
    try (var json = new JsonCursor(context, place)) {
      if (!json.isStartOfArray()) {
        return List.of();
      }
      return json.list(() -> json.isString() ? json.string() : String.valueOf(skipped(json)));
    }
  }

  boolean isLeaf() {
    return type == null;
  }

  /// The path of each leaf, in order: dict keys as they are, positions as numbers, joined by dots. The
  /// children of this node itself take their names from `names` as far as it goes.
  List<String> leafPaths(String prefix, List<String> names) {
    if (isLeaf()) {
      return List.of(prefix);
    }
    var paths = new ArrayList<String>();
    for (int i = 0; i < children.size(); i++) {
      var step = i < keys.size() ? keys.get(i) : i < names.size() ? names.get(i) : String.valueOf(i);
      paths.addAll(children.get(i).leafPaths(prefix.isEmpty() ? step : prefix + "." + step, List.of()));
    }
    return paths;
  }
}
