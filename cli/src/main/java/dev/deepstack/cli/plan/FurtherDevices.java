package dev.deepstack.cli.plan;

import dev.deepstack.planner.Resources;
import dev.deepstack.planner.device.DeviceCatalog;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/// The option that adds devices to those that come with the planner.
final class FurtherDevices {
  @Option(names = "--devices", paramLabel = "FILE.json", description = "Further devices.")
  private @Nullable Path file;

  /// All devices in the form of the planner's data; those that were given win.
  JsonNode json() {
    var all = (ObjectNode) Resources.json("devices.json");
    if (file != null) {
      GivenFiles.json(file).path("devices").properties()
          .forEach(e -> ((ObjectNode) all.path("devices")).set(e.getKey(), e.getValue()));
    }
    return all;
  }

  DeviceCatalog catalog() {
    DeviceCatalog catalog = DeviceCatalog.standard();
    return file == null ? catalog : catalog.with(GivenFiles.json(file), file.toString());
  }
}
