package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.InvalidInputException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// GGUF files only name the rules by which a text is split before byte-pair encoding. The name of a tokenizer.json's
/// rules is found by a fingerprint of its steps, as some of their expressions fill a page.
final class GgufSplitNames {
  private static final int DIGITS = 16;
  private static final Map<String, String> NAMES = Map.ofEntries(
      Map.entry("9fcef5bae3c98e66", "deepseek-coder"),
      Map.entry("8711dcd31ca835dd", "deepseek-llm"),
      Map.entry("97d90a47e502fc8b", "deepseek-v3"),
      Map.entry("2b959d982542e272", "falcon"),
      Map.entry("b86a93fcc0c517b9", "glm4"),
      Map.entry("784e127529b2917e", "gpt-2"),
      Map.entry("a245532be4d4ea59", "gpt-4o"),
      Map.entry("b6396029dd58a40d", "minimax-m2"),
      Map.entry("7841c5550b5efcd0", "llama-bpe"),
      Map.entry("36e6a8ecc9f10bdb", "olmo"),
      Map.entry("643f3b4b5788c235", "qwen2"),
      Map.entry("a1e466195a2848c3", "stablelm2"),
      Map.entry("96d4d905e8fc66f2", "starcoder"),
      Map.entry("3e56d91970a38c8e", "tekken"));

  private GgufSplitNames() {}

  /// @throws InvalidInputException when the rules have no name
  static String of(Path folder, JsonNode tokenizer) {
    String print = fingerprint(tokenizer);
    String name = NAMES.get(print);
    if (name == null) {
      throw new InvalidInputException(folder.resolve("tokenizer.json") + " splits texts by rules that GGUF files"
          + " have no name for (" + print + "); give the name of rules that do the same with --pre, such as gpt-2");
    }
    return name;
  }

  static String fingerprint(JsonNode tokenizer) {
    var text = new StringBuilder();
    for (JsonNode step : GgufTokenizer.steps(tokenizer.path("normalizer"), "normalizers")) {
      text.append(step.path("type").asString("")).append('\n');
    }
    for (JsonNode step : GgufTokenizer.steps(tokenizer.path("pre_tokenizer"), "pretokenizers")) {
      String type = step.path("type").asString("");
      text.append(type).append(' ').append(switch (type) {
        // A line end is written as itself or by its escape.
        case "Split" -> step.path("pattern").path("Regex")
            .asString(step.path("pattern").path("String").asString(""))
            .replace("\\r", "\r").replace("\\n", "\n")
            + ' ' + step.path("behavior").asString("") + ' ' + step.path("invert").asBoolean(false);
        case "ByteLevel" ->
            step.path("use_regex").asBoolean(true) + " " + step.path("add_prefix_space").asBoolean(true);
        case "Digits" -> String.valueOf(step.path("individual_digits").asBoolean(false));
        default -> step.path("behavior").asString("");
      }).append('\n');
    }
    text.append(tokenizer.path("model").path("ignore_merges").asBoolean(false));
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(hash).substring(0, DIGITS);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }
}
