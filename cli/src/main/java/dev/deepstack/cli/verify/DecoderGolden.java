package dev.deepstack.cli.verify;

import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.Safetensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// What a checkpoint is known to give: a folder's `golden.safetensors` with `input_ids i64[n]`, `logits f32[n,vocab]`
/// of the whole prompt and `greedy_ids i64[m]` that continue it; `golden.json` with the tolerance.
public record DecoderGolden(long[] prompt, HostTensor logits, long[] greedy, double atol, double rtol) {
  public static final String TENSORS = "golden.safetensors";

  /// Reads a folder; the tensors live as long as `arena`.
  ///
  /// @throws InvalidInputException when a file cannot be read
  /// @throws MalformedModelException when the recording contradicts itself
  public static DecoderGolden read(Path folder, Arena arena) {
    Map<String, HostTensor> tensors = Safetensors.read(folder.resolve(TENSORS), arena);
    HostTensor prompt = tensor(tensors, "input_ids", 1);
    HostTensor logits = tensor(tensors, "logits", 2);
    if (prompt.elements() == 0 || logits.shape()[0] != prompt.elements()) {
      throw new MalformedModelException("the recording in " + folder + " has " + prompt.elements()
          + " input_ids and logits of " + logits.shape()[0] + " tokens; record it again");
    }
    JsonNode tolerance = tolerance(folder.resolve("golden.json"));
    return new DecoderGolden(prompt.toLongs(), logits, tensor(tensors, "greedy_ids", 1).toLongs(),
        tolerance.path("atol").asDouble(1e-4), tolerance.path("rtol").asDouble(1e-4));
  }

  /// Tokens of prompt and continuation.
  public long tokens() {
    return (long) prompt.length + greedy.length;
  }

  /// @throws MalformedModelException when the recording belongs to a model with another vocabulary
  public void requireVocabulary(int vocab) {
    boolean fits = logits.shape()[1] == vocab;
    for (long[] ids : new long[][] {prompt, greedy}) {
      fits &= Arrays.stream(ids).allMatch(id -> id >= 0 && id < vocab);
    }
    if (!fits) {
      throw new MalformedModelException("the recording has logits of " + logits.shape()[1]
          + " tokens or ids beyond them, and the model's vocabulary is " + vocab + "; they do not belong together");
    }
  }

  private static HostTensor tensor(Map<String, HostTensor> tensors, String name, int rank) {
    HostTensor tensor = tensors.get(name);
    if (tensor == null || tensor.shape().length != rank) {
      throw new MalformedModelException("the recording has no " + name + " with " + rank
          + " axes; record it again");
    }
    return tensor;
  }

  private static JsonNode tolerance(Path file) {
    if (!Files.exists(file)) {
      return JsonMapper.shared().createObjectNode();
    }
    try {
      return JsonMapper.shared().readTree(Files.readString(file));
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
    } catch (JacksonException e) {
      throw new MalformedModelException(file + " is not valid JSON (" + e.getOriginalMessage() + ")");
    }
  }
}
