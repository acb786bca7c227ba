package dev.deepstack.models.config;

import dev.deepstack.models.DecoderSpec;
import dev.deepstack.models.DecoderSpec.Tokens;
import dev.deepstack.models.DecoderWeight;
import dev.deepstack.models.DecoderWeights;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads a decoder's description from Hugging Face's config.json, in the form of today's transformers
/// (`rope_parameters`) or of older ones (`rope_scaling`, `rope_theta`). Code that a config points to is never looked
/// at: `model_type` alone says what the model is.
public final class DecoderConfig {
  /// A hundred times the largest model there is.
  private static final double PARAMETERS_MAX = 1e15;
  private static final long CONFIG_BYTES_MAX = 16 << 20;
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build();

  private DecoderConfig() {}

  /// The decoder of a config.json whose graph can be built.
  ///
  /// @throws UnsupportedModelException naming everything that is not supported
  /// @throws MalformedModelException when the config is broken or contradicts itself
  /// @throws InvalidInputException when the file can't be read
  public static DecoderSpec read(Path file) {
    return describe(file).requireBuildable();
  }

  /// The begin and end tokens that a generation_config.json names, where it does.
  ///
  /// @throws MalformedModelException when the file is broken
  /// @throws InvalidInputException when the file can't be read
  public static Tokens generation(Path file, Tokens otherwise) {
    ConfigNode c = node(file.toString(), text(file));
    List<Integer> bos = c.numbers("bos_token_id");
    List<Integer> eos = c.numbers("eos_token_id");
    return new Tokens(bos.isEmpty() ? otherwise.bos() : bos.getFirst(), eos.isEmpty() ? otherwise.eos() : eos);
  }

  /// As [#read], also for decoders whose graph cannot be built: [DecoderSpec#missing] says why.
  public static DecoderSpec describe(Path file) {
    return describe(file.toString(), text(file));
  }

  private static String text(Path file) {
    try {
      if (Files.size(file) > CONFIG_BYTES_MAX) {
        throw new MalformedModelException(file + " is too large for a config; fetch the model again");
      }
      return Files.readString(file);
    } catch (NoSuchFileException e) {
      throw new InvalidInputException("there is no " + file + "; give the folder of a model", e);
    } catch (CharacterCodingException e) {
      throw new MalformedModelException(file + " is not UTF-8 text; fetch the model again", e);
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static ConfigNode node(String source, String json) {
    JsonNode node;
    try {
      node = JSON.readTree(json);
    } catch (JacksonException e) {
      throw new MalformedModelException(
          source + " is not valid JSON (" + e.getOriginalMessage() + "); fetch the model again", e);
    }
    if (!node.isObject()) {
      throw new MalformedModelException(source + " is not a JSON object; fetch the model again");
    }
    return new ConfigNode(source, node);
  }

  /// As [#describe(Path)] from the text of a config.json.
  ///
  /// @param source names the config in messages
  public static DecoderSpec describe(String source, String json) {
    ConfigNode config = node(source, json);
    DecoderSpec spec;
    try {
      spec = Families.describe(config);
    } catch (ArithmeticException e) {
      throw new MalformedModelException(source + " has numbers larger than any model's; fetch the model again", e);
    }
    double parameters = 0;
    for (DecoderWeight weight : DecoderWeights.of(spec)) {
      parameters += weight.shape().stream().mapToDouble(Long::doubleValue).reduce(1, (a, b) -> a * b);
    }
    if (parameters > PARAMETERS_MAX) {
      throw config.broken("describes " + (long) parameters + " parameters, more than any model has");
    }
    return spec;
  }
}
