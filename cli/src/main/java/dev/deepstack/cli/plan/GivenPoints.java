package dev.deepstack.cli.plan;

import dev.deepstack.planner.evidence.Point;
import dev.deepstack.planner.evidence.PointReader;
import dev.deepstack.planner.model.Catalog;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/// Points of files that users name.
///
/// @param models those that come with the planner, and those that the files describe
record GivenPoints(List<Point> points, Catalog models) {
  static GivenPoints read(List<Path> files) {
    Catalog models = Catalog.standard();
    var points = new ArrayList<Point>();
    for (Path file : files) {
      JsonNode node = GivenFiles.json(file);
      points.addAll(PointReader.read(node, file.toString()));
      if (node.path("models").isObject()) {
        models = models.with(node.path("models"));
      }
    }
    return new GivenPoints(points, models);
  }
}
