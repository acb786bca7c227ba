package dev.deepstack.cli.plan;

import dev.deepstack.planner.device.ExpertLoad;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Files that users name.
final class GivenFiles {
  private static final long BYTES_MAX = 64 << 20;

  private GivenFiles() {}

  /// The JSON object that a file holds.
  static JsonNode json(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        throw new InvalidInputException("there is no file " + file);
      }
      if (Files.size(file) > BYTES_MAX) {
        throw new InvalidInputException(file + " is larger than " + (BYTES_MAX >> 20) + " MiB");
      }
      JsonNode node = JsonMapper.shared().readTree(Files.readString(file));
      if (node == null || !node.isObject()) {
        throw new MalformedModelException(file + " does not hold a JSON object");
      }
      return node;
    } catch (JacksonException e) {
      throw new MalformedModelException(file + " is not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  /// What a file says about the load of experts: `{"load": [tokens of each expert]}`.
  static ExpertLoad expertLoad(Path file, int spare) {
    JsonNode list = json(file).path("load");
    if (!list.isArray()) {
      throw new MalformedModelException(file + " has no array \"load\" with the tokens of each expert");
    }
    var tokens = new ArrayList<Double>();
    list.forEach(t -> tokens.add(t.isNumber() ? t.doubleValue() : -1));
    return new ExpertLoad(tokens, spare);
  }

  static String text(Path file) {
    try {
      return Files.readString(file);
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  static void write(Path file, String text) {
    try {
      Files.writeString(file, text);
    } catch (IOException e) {
      throw new InvalidInputException("cannot write " + file + ": " + e.getMessage(), e);
    }
  }
}
