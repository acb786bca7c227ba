package dev.deepstack.cli.plan;

import dev.deepstack.planner.device.DeviceCatalog;
import java.nio.file.Path;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/// The option that adds devices to those that come with the planner.
final class FurtherDevices {
  @Option(names = "--devices", paramLabel = "FILE.json", description = "Further devices.")
  private @Nullable Path file;

  boolean given() {
    return file != null;
  }

  DeviceCatalog catalog() {
    DeviceCatalog catalog = DeviceCatalog.standard();
    return file == null ? catalog : catalog.with(GivenFiles.json(file), file.toString());
  }
}
