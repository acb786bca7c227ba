package dev.deepstack.text.chat;

import dev.deepstack.text.template.Template;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// A chat template written in Jinja, as transformers applies it.
final class JinjaTemplate implements ChatTemplate {
  /// Names under which reasoning comes in messages, the one that templates read first.
  static final List<String> REASONING = List.of("reasoning_content", "thinking", "reasoning");

  private final Template template;
  private final @Nullable Template forTools;
  private final Map<String, Object> specialTokens;
  private final ReplyMarkup markup;

  /// @param forTools the template for conversations with tools, if the model has one of its own
  /// @param specialTokens `bos_token`, `eos_token` and the like by name
  JinjaTemplate(
      Template template, @Nullable Template forTools, Map<String, ?> specialTokens, ReplyMarkup markup) {
    this.template = template;
    this.forTools = forTools;
    this.specialTokens = new HashMap<>(specialTokens);
    this.markup = markup;
  }

  @Override
  public String render(
      List<? extends Map<String, ?>> messages, List<? extends Map<String, ?>> tools,
      boolean addGenerationPrompt, Map<String, ?> extras) {
    var variables = new HashMap<String, @Nullable Object>(specialTokens);
    variables.put("documents", null);
    variables.putAll(extras);
    variables.put("messages", withReasoning(messages));
    variables.put("tools", tools.isEmpty() ? null : tools);
    variables.put("add_generation_prompt", addGenerationPrompt);
    return (forTools != null && !tools.isEmpty() ? forTools : template).render(variables);
  }

  private static List<Map<String, ?>> withReasoning(List<? extends Map<String, ?>> messages) {
    var aliased = new ArrayList<Map<String, ?>>();
    for (var message : messages) {
      Object reasoning = null;
      for (var name : REASONING) {
        reasoning = reasoning == null ? message.get(name) : reasoning;
      }
      if (reasoning == null) {
        aliased.add(message);
      } else {
        var copy = new LinkedHashMap<String, @Nullable Object>();
        copy.put("thinking", reasoning);
        copy.putAll(message);
        copy.put("reasoning_content", reasoning);
        aliased.add(copy);
      }
    }
    return aliased;
  }

  @Override
  public ReplyParser reply(String prompt) {
    return new ReplyParser(markup, prompt);
  }
}
