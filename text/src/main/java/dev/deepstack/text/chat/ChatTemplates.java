package dev.deepstack.text.chat;

import dev.deepstack.text.template.Template;
import dev.deepstack.text.template.TemplateException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Finds the chat template of a model.
public final class ChatTemplates {
  private static final long MAX_BYTES = 64 << 20;
  private static final String DEFAULT = "default";
  private static final String TOOL_USE = "tool_use";
  private static final List<String> SPECIAL_TOKENS = List.of(
      "bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token");

  private ChatTemplates() {}

  /// The template of a checkpoint directory: `chat_template.jinja` (with `additional_chat_templates`), else the
  /// one in `tokenizer_config.json` or `chat_template.json`, else what the family in `config.json` is known by.
  ///
  /// @throws TemplateException if a file cannot be read or the template in it is broken
  public static Optional<ChatTemplate> read(Path directory) {
    var config = json(directory.resolve("tokenizer_config.json"));
    var sources = sources(directory, config);
    var source = sources.get(DEFAULT);
    if (source == null) {
      var model = json(directory.resolve("config.json"));
      return model == null ? Optional.empty() : ofFamily(model.path("model_type").asString(""));
    }
    var specialTokens = config == null ? Map.<String, String>of() : specialTokens(config);
    return Optional.of(of("chat template", source, sources.get(TOOL_USE), specialTokens));
  }

  /// A template from elsewhere, as the metadata of a GGUF file.
  ///
  /// @param name what messages call it
  /// @param specialTokens spellings by the names that templates use: `bos_token`, `eos_token`, …
  /// @throws TemplateException if the template is broken
  public static ChatTemplate of(String name, String source, Map<String, String> specialTokens) {
    return of(name, source, null, specialTokens);
  }

  /// The prompt format of families that come without a template, by the `model_type` of their `config.json`.
  public static Optional<ChatTemplate> ofFamily(String modelType) {
    return switch (modelType) {
      case "deepseek_v3" -> Optional.of(new DeepSeekV3());
      case "deepseek_v32" -> Optional.of(new DeepSeekV32());
      case "deepseek_v4" -> Optional.of(new DeepSeekV4());
      default -> Optional.empty();
    };
  }

  private static ChatTemplate of(
      String name, String source, @Nullable String forTools, Map<String, String> specialTokens) {
    return new JinjaTemplate(
        Template.parse(name, source),
        forTools == null ? null : Template.parse(name + " for tools", forTools), specialTokens,
        markup(source + forTools));
  }

  /// What kind of calls a template speaks of.
  private static ReplyMarkup markup(String source) {
    if (source.contains("DSML")) {
      return ReplyMarkup.dsml(source.contains("function_calls") ? "function_calls" : "tool_calls");
    }
    return Stream.of(ReplyMarkup.TOKEN_CALLS, ReplyMarkup.TAGGED_CALLS)
        .filter(markup -> source.contains(markup.callsBegin())).findFirst().orElse(ReplyMarkup.PLAIN);
  }

  private static Map<String, String> sources(Path directory, @Nullable JsonNode config) {
    var sources = new HashMap<String, String>();
    var file = text(directory.resolve("chat_template.jinja"));
    if (file != null) {
      sources.put(DEFAULT, file);
      var forTools = text(directory.resolve("additional_chat_templates").resolve(TOOL_USE + ".jinja"));
      if (forTools != null) {
        sources.put(TOOL_USE, forTools);
      }
      return sources;
    }
    if (config != null) {
      collect(config.path("chat_template"), "tokenizer_config.json", sources);
    }
    var other = sources.isEmpty() ? json(directory.resolve("chat_template.json")) : null;
    if (other != null) {
      collect(other.path("chat_template"), "chat_template.json", sources);
    }
    return sources;
  }

  /// A template is a string or a list of named ones.
  private static void collect(JsonNode template, String file, Map<String, String> sources) {
    if (template.isString()) {
      sources.put(DEFAULT, template.stringValue());
    } else if (template.isArray()) {
      for (var entry : template) {
        if (!entry.path("name").isString() || !entry.path("template").isString()) {
          throw new TemplateException(file + ": each of several chat templates needs a name and a template");
        }
        sources.put(entry.get("name").stringValue(), entry.get("template").stringValue());
      }
    } else if (!template.isMissingNode() && !template.isNull()) {
      throw new TemplateException(file + ": chat_template must be a string or a list");
    }
  }

  /// A token is a string or an object with `content`.
  private static Map<String, String> specialTokens(JsonNode config) {
    var tokens = new HashMap<String, String>();
    for (var name : SPECIAL_TOKENS) {
      var token = config.path(name).isObject() ? config.get(name).path("content") : config.path(name);
      if (token.isString()) {
        tokens.put(name, token.stringValue());
      }
    }
    return tokens;
  }

  private static @Nullable String text(Path file) {
    try {
      if (!Files.isRegularFile(file)) {
        return null;
      }
      if (Files.size(file) > MAX_BYTES) {
        throw new TemplateException("%s is larger than %d MiB".formatted(file, MAX_BYTES >> 20));
      }
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new TemplateException(file + " is not UTF-8", e);
    } catch (IOException e) {
      throw new TemplateException("%s cannot be read: %s".formatted(file, e), e);
    }
  }

  private static @Nullable JsonNode json(Path file) {
    var text = text(file);
    try {
      return text == null ? null : JsonMapper.shared().readTree(text);
    } catch (JacksonException e) {
      throw new TemplateException("%s is not valid JSON".formatted(file), e);
    }
  }
}
