package dev.deepstack.cli.verify;

import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.Safetensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Calls of a model as PyTorch ran them, read from a folder with `manifest.json`, `golden_in.safetensors` and
/// `golden_out.safetensors`. A session is a list of calls on one live instance.
///
/// @param atol absolute part of the tolerance
/// @param rtol part of the tolerance relative to the expected value
public record Recording(String name, double atol, double rtol, List<List<Step>> sessions) {
  /// One call.
  ///
  /// @param inputs in the order of the flattened arguments; null for those that are no tensors
  /// @param outputs the tensors of the flattened result, in order
  /// @param integers the integers of the flattened result, in order
  /// @param states changed buffers after the call, by name; those not recorded are missing
  public record Step(
      List<@Nullable HostTensor> inputs,
      List<HostTensor> outputs,
      List<Long> integers,
      SequencedMap<String, HostTensor> states) {}

  /// Reads a folder; the tensors live as long as `arena`.
  ///
  /// @throws InvalidInputException when a file cannot be read
  /// @throws MalformedModelException when the folder contradicts itself
  public static Recording read(Path folder, Arena arena) {
    JsonNode manifest = manifest(folder.resolve("manifest.json"));
    Map<String, HostTensor> given = Safetensors.read(folder.resolve("golden_in.safetensors"), arena);
    Map<String, HostTensor> expected = Safetensors.read(folder.resolve("golden_out.safetensors"), arena);
    var sessions = new ArrayList<List<Step>>();
    for (JsonNode session : manifest.path("sessions")) {
      var steps = new ArrayList<Step>();
      for (JsonNode step : session) {
        steps.add(step(step, "s" + sessions.size() + ".t" + steps.size() + ".", given, expected));
      }
      sessions.add(steps);
    }
    return new Recording(manifest.path("name").asString(""), manifest.path("atol").asDouble(1e-5),
        manifest.path("rtol").asDouble(1e-4), sessions);
  }

  private static JsonNode manifest(Path file) {
    try {
      return JsonMapper.shared().readTree(Files.readString(file));
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + "; give a folder with recorded calls", e);
    } catch (JacksonException e) {
      throw new MalformedModelException(file + " is not valid JSON (" + e.getOriginalMessage() + ")");
    }
  }

  private static Step step(JsonNode step, String prefix, Map<String, HostTensor> given,
      Map<String, HostTensor> expected) {
    var inputs = new ArrayList<@Nullable HostTensor>();
    for (JsonNode input : step.path("inputs")) {
      inputs.add(input.has("key") ? tensor(given, input.path("key").asString("")) : null);
    }
    var outputs = new ArrayList<HostTensor>();
    for (int i = 0; expected.containsKey(prefix + "out" + i); i++) {
      outputs.add(tensor(expected, prefix + "out" + i));
    }
    var integers = new ArrayList<Long>();
    step.path("scalars").forEach(s -> integers.add(s.asLong(0)));
    var states = new LinkedHashMap<String, HostTensor>();
    String buffers = prefix + "buf.";
    expected.forEach((key, value) -> {
      if (key.startsWith(buffers)) {
        states.put(key.substring(buffers.length()), value);
      }
    });
    return new Step(inputs, outputs, integers, states);
  }

  private static HostTensor tensor(Map<String, HostTensor> tensors, String key) {
    HostTensor tensor = tensors.get(key);
    if (tensor == null) {
      throw new MalformedModelException("the recording has no tensor " + key + "; record it again");
    }
    return tensor;
  }
}
