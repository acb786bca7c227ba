package dev.deepstack.planner.model;

import dev.deepstack.planner.Resources;
import dev.deepstack.tensor.InvalidInputException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.databind.JsonNode;

/// Models by name.
public final class Catalog {
  private final Map<String, ModelShape> shapes = new LinkedHashMap<>();
  /// Descriptions that nobody asked for yet.
  private final Map<String, JsonNode> unread = new LinkedHashMap<>();

  private Catalog() {}

  /// The models that come with the planner.
  public static Catalog standard() {
    var catalog = new Catalog();
    for (Map.Entry<String, JsonNode> e : Resources.json("models.json").path("models").properties()) {
      catalog.add(e.getKey(), e.getValue());
    }
    return catalog;
  }

  /// The same with further descriptions; they win over what is there only where they are whole configurations.
  public Catalog with(JsonNode models) {
    var catalog = new Catalog();
    catalog.unread.putAll(unread);
    for (Map.Entry<String, JsonNode> e : models.properties()) {
      JsonNode node = e.getValue();
      boolean whole = node.has("hidden_size") || node.has("text_config");
      if (whole || !catalog.unread.containsKey(e.getKey())) {
        catalog.add(e.getKey(), node);
      }
    }
    return catalog;
  }

  private void add(String name, JsonNode node) {
    unread.put(name, node);
    for (JsonNode same : node.path("same_as")) {
      unread.putIfAbsent(same.asString(""), node);
    }
  }

  /// The model of that name, if it is known.
  public Optional<ModelShape> find(String name) {
    ModelShape shape = shapes.get(name);
    JsonNode node = unread.get(name);
    if (shape == null && node != null) {
      shape = ConfigReader.read(name, node);
      shapes.put(name, shape);
    }
    return Optional.ofNullable(shape);
  }

  /// The model of that name.
  ///
  /// @throws InvalidInputException naming near ones
  public ModelShape get(String name) {
    return find(name).orElseThrow(() -> new InvalidInputException("there is no description of the model " + name
        + "; " + nearest(name) + ", or give a config.json"));
  }

  private String nearest(String name) {
    return "the nearest names are " + String.join(", ", Resources.nearest(name, unread.keySet(), 3));
  }

  /// All names.
  public List<String> names() {
    return List.copyOf(unread.keySet());
  }
}
