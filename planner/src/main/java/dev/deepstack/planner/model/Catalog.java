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

  private Catalog() {}

  /// The models that come with the planner.
  public static Catalog standard() {
    var catalog = new Catalog();
    for (Map.Entry<String, JsonNode> e : Resources.json("models.json").path("models").properties()) {
      catalog.add(e.getKey(), e.getValue());
    }
    return catalog;
  }

  /// The same with further descriptions; they win over what is there only where `override` says so.
  public Catalog with(JsonNode models, boolean override) {
    var catalog = new Catalog();
    catalog.shapes.putAll(shapes);
    for (Map.Entry<String, JsonNode> e : models.properties()) {
      JsonNode node = e.getValue();
      boolean whole = node.has("hidden_size") || node.has("text_config");
      if (override || whole || !catalog.shapes.containsKey(e.getKey())) {
        catalog.add(e.getKey(), node);
      }
    }
    return catalog;
  }

  private void add(String name, JsonNode node) {
    ModelShape shape = ConfigReader.read(name, node);
    shapes.put(name, shape);
    for (JsonNode same : node.path("same_as")) {
      shapes.putIfAbsent(same.asString(""), shape);
    }
  }

  /// The model of that name, if it is known.
  public Optional<ModelShape> find(String name) {
    return Optional.ofNullable(shapes.get(name));
  }

  /// The model of that name.
  ///
  /// @throws InvalidInputException naming near ones
  public ModelShape get(String name) {
    ModelShape shape = shapes.get(name);
    if (shape == null) {
      throw new InvalidInputException("there is no description of the model " + name + "; "
          + nearest(name) + ", or give a config.json");
    }
    return shape;
  }

  private String nearest(String name) {
    return "the nearest names are " + String.join(", ", Resources.nearest(name, shapes.keySet(), 3));
  }

  /// All names.
  public List<String> names() {
    return List.copyOf(shapes.keySet());
  }
}
