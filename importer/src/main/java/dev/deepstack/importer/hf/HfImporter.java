package dev.deepstack.importer.hf;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.config.DecoderConfig;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.SequencedMap;

/// Reads a checkpoint folder: config.json, generation_config.json when there is one, and safetensors files, which are
/// mapped and not copied. Code in the folder is never looked at.
public final class HfImporter {
  private static final int SHOWN_MAX = 12;

  private HfImporter() {}

  /// The decoder of a folder. The config is read first: what is not supported is named before any weight is touched.
  ///
  /// @param arena of the mapped files
  /// @throws dev.deepstack.tensor.UnsupportedModelException naming everything that is not supported
  /// @throws dev.deepstack.tensor.MalformedModelException when a file is broken, or the weights do not fit the config;
  ///     all misfits are named
  /// @throws dev.deepstack.tensor.InvalidInputException when a file is missing or can't be read
  public static ImportedDecoder read(Path folder, Arena arena) {
    DecoderSpec spec = DecoderConfig.read(folder.resolve("config.json"));
    Path generation = folder.resolve("generation_config.json");
    if (Files.exists(generation)) {
      spec = spec.withTokens(DecoderConfig.generation(generation, spec.tokens()));
    }
    SequencedMap<String, HostTensor> tensors = CheckpointFiles.read(folder, arena);
    return new CheckpointWeights(folder, spec, tensors).decoder();
  }

  /// Several things in words, not more than one can read.
  static String some(List<String> list) {
    int shown = Math.min(list.size(), SHOWN_MAX);
    String text = String.join("; ", list.subList(0, shown));
    return shown == list.size() ? text : text + "; and " + (list.size() - shown) + " more";
  }
}
