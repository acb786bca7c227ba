package dev.deepstack.compiler;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.gguf.GgufDecoder;
import dev.deepstack.importer.gguf.GgufFile;
import dev.deepstack.importer.gguf.GgufMetadata;
import dev.deepstack.importer.hf.HfImporter;
import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.FeedForwardSpec;
import dev.deepstack.models.LayerSpec;
import dev.deepstack.program.Decoding;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// A decoder in its files, with what generation must know about it.
record Checkpoint(ImportedDecoder decoder, Decoding decoding) {
  /// Cache slots of a page: enough for attention to read memory in long pieces, little enough to waste none.
  static final int PAGE_SLOTS = 32;

  private static final String TOKENIZER = "tokenizer.ggml.";
  private static final long TEMPLATE_BYTES_MAX = 16 << 20;

  /// @param file a checkpoint folder or a GGUF file
  /// @param arena of the mapped files
  static Checkpoint open(Path file, Arena arena) {
    if (Files.isDirectory(file)) {
      ImportedDecoder decoder = HfImporter.read(file, arena);
      return new Checkpoint(decoder, decoding(decoder.spec(), template(file), Map.of()));
    }
    GgufFile gguf = GgufFile.open(file, arena);
    ImportedDecoder decoder = GgufDecoder.read(gguf);
    GgufMetadata metadata = gguf.metadata();
    return new Checkpoint(decoder,
        decoding(decoder.spec(), metadata.textOrNull("tokenizer.chat_template"), vocabulary(metadata)));
  }

  /// The same for sequences of so many tokens, or as many as the model is made for.
  Checkpoint forContext(long tokens) {
    return new Checkpoint(decoder.forContext(Math.min(tokens, decoding.contextMax())), decoding);
  }

  private static Decoding decoding(DecoderSpec spec, @Nullable String template, Map<String, Object> vocabulary) {
    FeedForwardSpec.Routed routed = spec.layers().stream().map(LayerSpec::feedForward)
        .filter(FeedForwardSpec.Routed.class::isInstance).map(FeedForwardSpec.Routed.class::cast)
        .findFirst().orElse(null);
    return new Decoding(PAGE_SLOTS, spec.contextMax(), spec.vocab(),
        Objects.requireNonNullElse(spec.tokens().bos(), -1), spec.tokens().eos(), template, vocabulary,
        routed == null ? 0 : routed.experts(), routed == null ? 0 : routed.routing().perToken());
  }

  /// The tokenizer's part of the metadata, as plain values.
  private static Map<String, Object> vocabulary(GgufMetadata metadata) {
    Map<String, Object> plain = metadata.plain();
    plain.keySet().removeIf(key -> !key.startsWith(TOKENIZER));
    return plain.containsKey(TOKENIZER + "tokens") ? plain : Map.of();
  }

  /// The chat template of a folder: a file of its own, or a text in tokenizer_config.json, or the one called default of
  /// several there.
  private static @Nullable String template(Path folder) {
    Path own = folder.resolve("chat_template.jinja");
    if (Files.isRegularFile(own)) {
      return text(own);
    }
    Path config = folder.resolve("tokenizer_config.json");
    if (!Files.isRegularFile(config)) {
      return null;
    }
    try {
      JsonNode template = JsonMapper.shared().readTree(text(config)).path("chat_template");
      for (JsonNode named : template.isArray() ? template : JsonMapper.shared().createArrayNode()) {
        if (named.path("name").asString("").equals("default")) {
          return named.path("template").stringValue(null);
        }
      }
      return template.stringValue(null);
    } catch (JacksonException e) {
      throw new MalformedModelException(
          config + " is not valid JSON (" + e.getOriginalMessage() + "); fetch the model again", e);
    }
  }

  private static String text(Path file) {
    try {
      if (Files.size(file) > TEMPLATE_BYTES_MAX) {
        throw new MalformedModelException(file + " is too large for what it should be; fetch the model again");
      }
      return Files.readString(file);
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }
}
