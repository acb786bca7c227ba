package dev.deepstack.importer.gguf;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.UnsupportedModelException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// The tokenizer of a checkpoint folder (tokenizer.json, tokenizer_config.json, chat_template.jinja) as metadata of a
/// GGUF file.
public final class GgufTokenizer {
  private static final String KEYS = "tokenizer.ggml.";
  private static final int NORMAL = 1;
  private static final int UNKNOWN = 2;
  private static final int CONTROL = 3;
  private static final int USER_DEFINED = 4;
  private static final int UNUSED = 5;
  private static final int BYTE = 6;

  private final Path folder;
  private final JsonNode json;
  private final int vocab;
  private final @Nullable String[] tokens;
  private final long[] types;
  private final Map<String, Integer> ids = new HashMap<>();
  private final SequencedMap<String, GgufValue> metadata = new LinkedHashMap<>();

  private GgufTokenizer(Path folder, JsonNode json, int vocab) {
    this.folder = folder;
    this.json = json;
    this.vocab = vocab;
    tokens = new String[vocab];
    types = new long[vocab];
    Arrays.fill(types, UNUSED);
  }

  /// @param vocab rows of the model's embedding; ids without a token get one that is never used
  /// @param pre the name of the rules by which the text is split; null to find it out
  /// @return only that there is no tokenizer, when the folder has none
  /// @throws MalformedModelException when a file is broken, or has ids beyond the embedding
  /// @throws UnsupportedModelException for kinds of tokenizers that GGUF files do not have
  /// @throws InvalidInputException when the split rules have no name, or a file can't be read
  public static SequencedMap<String, GgufValue> of(Path folder, int vocab, @Nullable String pre) {
    JsonNode json = read(folder.resolve("tokenizer.json"));
    if (json == null) {
      var none = new LinkedHashMap<String, GgufValue>();
      none.put(KEYS + "model", GgufValue.of("no_vocab"));
      return none;
    }
    return new GgufTokenizer(folder, json, vocab).metadata(pre);
  }

  private SequencedMap<String, GgufValue> metadata(@Nullable String pre) {
    JsonNode model = json.path("model");
    if (!model.path("type").asString("BPE").equals("BPE") || !model.path("vocab").isObject()) {
      throw new UnsupportedModelException(folder.resolve("tokenizer.json") + ": tokenizers of the type \""
          + model.path("type").asString("") + "\" cannot be written to GGUF files; supported is BPE");
    }
    boolean bytes = model.path("byte_fallback").asBoolean(false);
    for (Map.Entry<String, JsonNode> entry : model.path("vocab").properties()) {
      put(entry.getKey(), entry.getValue(), NORMAL);
    }
    String unknown = model.path("unk_token").asString("");
    for (JsonNode added : json.path("added_tokens")) {
      String content = added.path("content").asString("");
      int type = content.equals(unknown) && bytes ? UNKNOWN
          : added.path("special").asBoolean(false) ? CONTROL : USER_DEFINED;
      put(content, added.path("id"), type);
    }
    metadata.put(KEYS + "model", GgufValue.of(bytes ? "llama" : "gpt2"));
    metadata.put(KEYS + "pre", GgufValue.of(bytes ? "default" : pre != null ? pre : GgufSplitNames.of(folder, json)));
    List<String> merges = merges(model);
    if (bytes) {
      markBytes();
      metadata.put(KEYS + "scores", new GgufValue.Reals(GgufValue.Type.FLOAT32, scores(merges)));
      metadata.put(KEYS + "add_space_prefix", GgufValue.of(prefixed()));
    } else {
      metadata.put(KEYS + "merges", new GgufValue.Texts(merges));
    }
    lists();
    config(unknown);
    frame();
    return metadata;
  }

  private void put(String token, JsonNode id, int type) {
    if (!id.isInt() || id.intValue() < 0 || id.intValue() >= vocab) {
      throw new MalformedModelException(folder.resolve("tokenizer.json") + " gives the token " + GgufCursor.quote(token)
          + " the id " + id + ", and the model has " + vocab + " of them; fetch the model again");
    }
    tokens[id.intValue()] = token;
    types[id.intValue()] = type;
    ids.put(token, id.intValue());
  }

  private void lists() {
    var names = new ArrayList<String>(vocab);
    for (int i = 0; i < vocab; i++) {
      String token = tokens[i];
      names.add(token == null ? "[PAD" + i + "]" : token);
    }
    metadata.put(KEYS + "tokens", new GgufValue.Texts(names));
    metadata.put(KEYS + "token_type", new GgufValue.Wholes(GgufValue.Type.INT32, types));
  }

  private void markBytes() {
    ids.forEach((token, id) -> {
      if (token.matches("<0x[0-9A-F]{2}>")) {
        types[id] = BYTE;
      }
    });
  }

  private List<String> merges(JsonNode model) {
    var merges = new ArrayList<String>();
    for (JsonNode merge : model.path("merges")) {
      merges.add(merge.isArray() && merge.size() == 2
          ? merge.get(0).asString("") + " " + merge.get(1).asString("")
          : merge.asString(""));
    }
    return merges;
  }

  /// SentencePiece merges what makes the token of the highest score: the earliest merge has it.
  private double[] scores(List<String> merges) {
    var scores = new double[vocab];
    for (int rank = merges.size() - 1; rank >= 0; rank--) {
      Integer id = ids.get(merges.get(rank).replace(" ", ""));
      if (id != null) {
        scores[id] = -rank;
      }
    }
    return scores;
  }

  /// Whether a text begins with a space that is not in it.
  private boolean prefixed() {
    for (JsonNode step : steps(json.path("normalizer"), "normalizers")) {
      if (step.path("type").asString("").equals("Prepend")) {
        return true;
      }
    }
    for (JsonNode step : steps(json.path("pre_tokenizer"), "pretokenizers")) {
      if (step.path("type").asString("").equals("Metaspace")) {
        return !step.path("prepend_scheme").asString("always").equals("never");
      }
    }
    return false;
  }

  /// The steps of a sequence, or the one step.
  static List<JsonNode> steps(JsonNode node, String inner) {
    if (!node.isObject()) {
      return List.of();
    }
    if (!node.path("type").asString("").equals("Sequence")) {
      return List.of(node);
    }
    var steps = new ArrayList<JsonNode>();
    node.path(inner).forEach(steps::add);
    return steps;
  }

  /// What is put around a text, which says more about its tokens than their names in a config.
  private void frame() {
    Integer begin = null;
    Integer end = null;
    for (JsonNode step : steps(json.path("post_processor"), "processors")) {
      JsonNode single = step.path("single");
      if (single.isArray() && !single.isEmpty()) {
        begin = ids.get(single.get(0).path("SpecialToken").path("id").asString(""));
        end = ids.get(single.get(single.size() - 1).path("SpecialToken").path("id").asString(""));
      }
    }
    metadata.put(KEYS + "add_bos_token", GgufValue.of(begin != null));
    metadata.put(KEYS + "add_eos_token", GgufValue.of(end != null));
    if (begin != null) {
      metadata.put(KEYS + "bos_token_id", GgufValue.of(begin));
    }
    if (end != null) {
      metadata.put(KEYS + "eos_token_id", GgufValue.of(end));
    }
  }

  private void config(String unknown) {
    JsonNode config = read(folder.resolve("tokenizer_config.json"));
    if (config != null) {
      special(config, "bos_token", "bos_token_id");
      special(config, "eos_token", "eos_token_id");
      special(config, "pad_token", "padding_token_id");
    }
    Integer id = ids.get(unknown);
    if (id != null) {
      metadata.put(KEYS + "unknown_token_id", GgufValue.of(id));
    }
    String template = template(config);
    if (template != null) {
      metadata.put("tokenizer.chat_template", GgufValue.of(template));
    }
  }

  private void special(JsonNode config, String name, String key) {
    JsonNode token = config.path(name);
    Integer id = ids.get(token.isObject() ? token.path("content").asString("") : token.asString(""));
    if (id != null) {
      metadata.put(KEYS + key, GgufValue.of(id));
    }
  }

  private @Nullable String template(@Nullable JsonNode config) {
    Path file = folder.resolve("chat_template.jinja");
    if (Files.exists(file)) {
      return text(file);
    }
    JsonNode template = config == null ? null : config.get("chat_template");
    if (template == null || template.isString()) {
      return template == null ? null : template.stringValue();
    }
    for (JsonNode named : template) {
      if (named.path("name").asString("").equals("default")) {
        return named.path("template").asString("");
      }
    }
    return null;
  }

  private static String text(Path file) {
    try {
      return Files.readString(file, StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new InvalidInputException("cannot read " + file + ": " + e.getMessage(), e);
    }
  }

  private static @Nullable JsonNode read(Path file) {
    if (!Files.exists(file)) {
      return null;
    }
    try {
      return JsonMapper.shared().readTree(text(file));
    } catch (JacksonException e) {
      throw new MalformedModelException(
          file + " is not valid JSON (" + e.getOriginalMessage() + "); fetch it again", e);
    }
  }
}
