package dev.deepstack.cli;

import dev.deepstack.tensor.InvalidInputException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;

/// Finds what a MODEL argument means.
final class Models {
  static final String MEANING =
      "demo, a .pt2, .dsp or .gguf file, or a folder with one or with config.json and safetensors.";
  private static final String DEMO = "demo";

  private Models() {}

  /// A path, or `demo` for the model that comes with DeepStack.
  static Path find(String model) {
    Path path;
    try {
      path = Path.of(model);
    } catch (InvalidPathException _) {
      throw unknown(model);
    }
    if (Files.exists(path)) {
      return path;
    }
    if (model.equals(DEMO)) {
      return demo();
    }
    throw unknown(model);
  }

  private static InvalidInputException unknown(String model) {
    return new InvalidInputException("there is no model \"" + model
        + "\"; give " + MEANING.substring(0, MEANING.length() - 1));
  }

  /// The launcher says where DeepStack is; without it, the folder above the running jar that has the demo.
  private static Path demo() {
    String home = System.getProperty("deepstack.home");
    Path place = home != null ? Path.of(home) : Path.of("").toAbsolutePath();
    for (Path at = place; at != null; at = at.getParent()) {
      Path demo = at.resolve("models").resolve(DEMO);
      if (Files.isDirectory(demo)) {
        return demo;
      }
    }
    throw new InvalidInputException("the demo model is not in " + place
        + "; start DeepStack by its deepstack script, or name the model's folder");
  }
}
