package dev.deepstack.importer.hf;

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
import java.util.TreeMap;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The tensors of a folder: one model.safetensors, or the shards that model.safetensors.index.json lists.
final class CheckpointFiles {
  private static final String SINGLE = "model.safetensors";
  private static final String INDEX = "model.safetensors.index.json";

  private CheckpointFiles() {}

  /// Maps all files; the tensors live as long as `arena`.
  ///
  /// @throws MalformedModelException when a file is broken, or the index and its shards disagree
  /// @throws InvalidInputException when the folder holds no such files
  static SequencedMap<String, HostTensor> read(Path folder, Arena arena) {
    if (Files.exists(folder.resolve(SINGLE))) {
      return Safetensors.read(folder.resolve(SINGLE), arena);
    }
    if (!Files.exists(folder.resolve(INDEX))) {
      throw new InvalidInputException(folder + " has neither " + SINGLE + " nor " + INDEX
          + "; give a folder with a model's safetensors files (pickled .bin files are not read)");
    }
    return shards(folder, index(folder.resolve(INDEX)), arena);
  }

  private static SequencedMap<String, HostTensor> shards(
      Path folder, Map<String, List<String>> index, Arena arena) {
    List<String> absent = index.keySet().stream().filter(name -> !Files.exists(folder.resolve(name))).toList();
    if (!absent.isEmpty()) {
      throw new MalformedModelException(folder + " lacks " + absent.size() + " of " + index.size()
          + " files that its index lists: " + HfImporter.some(absent) + "; fetch them");
    }
    var tensors = new LinkedHashMap<String, HostTensor>();
    var problems = new ArrayList<String>();
    index.forEach((file, names) -> {
      SequencedMap<String, HostTensor> shard = Safetensors.read(folder.resolve(file), arena);
      for (String name : names) {
        HostTensor tensor = shard.get(name);
        if (tensor == null) {
          problems.add(name + " is not in " + file);
        } else {
          tensors.put(name, tensor);
        }
      }
    });
    if (!problems.isEmpty()) {
      throw new MalformedModelException(folder + " does not fit its index: " + HfImporter.some(problems)
          + "; fetch the files again");
    }
    return tensors;
  }

  /// The names in each shard, by file.
  private static Map<String, List<String>> index(Path file) {
    JsonNode map;
    try {
      map = JsonMapper.shared().readTree(Files.readString(file)).path("weight_map");
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
    } catch (JacksonException e) {
      throw new MalformedModelException(
          file + " is not valid JSON (" + e.getOriginalMessage() + "); fetch it again", e);
    }
    var files = new TreeMap<String, List<String>>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String name = entry.getValue().asString("");
      // A shard lies in the folder itself, whatever the index says.
      if (name.isEmpty() || name.contains("/") || name.contains("\\") || name.startsWith(".")) {
        throw new MalformedModelException(
            file + " puts " + entry.getKey() + " into \"" + name + "\", which is no file name; fetch it again");
      }
      files.computeIfAbsent(name, _ -> new ArrayList<>()).add(entry.getKey());
    }
    if (files.isEmpty()) {
      throw new MalformedModelException(file + " has no weight_map; fetch it again");
    }
    return files;
  }
}
