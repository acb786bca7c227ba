package dev.deepstack.text.chat;

import static dev.deepstack.text.chat.DeepSeekText.ASSISTANT;
import static dev.deepstack.text.chat.DeepSeekText.BEGIN;
import static dev.deepstack.text.chat.DeepSeekText.END;
import static dev.deepstack.text.chat.DeepSeekText.THINK;
import static dev.deepstack.text.chat.DeepSeekText.THINK_END;
import static dev.deepstack.text.chat.DeepSeekText.USER;

import dev.deepstack.text.template.TemplateException;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// The prompt format of DeepSeek-V3.1, for checkpoints of the family that have lost their template. Thoughts of the
/// past are left out; calls and results of tools stand between tokens of their own. Extras: `thinking` (or
/// `enable_thinking`, default false).
final class DeepSeekV3 implements ChatTemplate {
  private static final String TOOLS = """


      ## Tools
      You have access to the following tools:
      {tools}

      IMPORTANT: ALWAYS adhere to this exact format for tool use:
      <｜tool▁calls▁begin｜><｜tool▁call▁begin｜>tool_call_name<｜tool▁sep｜>tool_call_arguments<｜tool▁call▁end｜>\
      {additional_tool_calls}<｜tool▁calls▁end｜>

      Where:
      - `tool_call_name` must be an exact match to one of the available tools
      - `tool_call_arguments` must be valid JSON that strictly follows the tool's Parameters Schema
      - For multiple tool calls, chain them directly without separators or spaces
      """;

  @Override
  public ReplyParser reply(String prompt) {
    return new ReplyParser(ReplyMarkup.TOKEN_CALLS, prompt);
  }

  @Override
  public String render(
      List<? extends Map<String, ?>> messages, List<? extends Map<String, ?>> tools,
      boolean addGenerationPrompt, Map<String, ?> extras) {
    boolean thinks = DeepSeekText.thinks(extras);
    var prompt = new StringBuilder(BEGIN);
    prompt.append(messages.stream().filter(message -> DeepSeekText.role(message).equals("system"))
        .map(DeepSeekText::content).collect(Collectors.joining("\n\n")));
    if (!tools.isEmpty()) {
      prompt.append(TOOLS.replace(
          "{tools}", tools.stream().map(DeepSeekV3::described).collect(Collectors.joining("\n"))));
    }
    boolean afterUser = false;
    for (var message : messages) {
      switch (DeepSeekText.role(message)) {
        case "system" -> { }
        case "user" -> {
          prompt.append(USER).append(DeepSeekText.content(message));
          afterUser = true;
        }
        case "assistant" -> {
          prompt.append(afterUser ? ASSISTANT + THINK_END : "").append(withoutThoughts(message))
              .append(calls(DeepSeekText.calls(message))).append(END);
          afterUser = false;
        }
        case "tool" -> prompt.append("<｜tool▁output▁begin｜>").append(DeepSeekText.content(message))
            .append("<｜tool▁output▁end｜>");
        default -> throw new TemplateException("DeepSeek-V3 knows no role '" + DeepSeekText.role(message) + "'");
      }
    }
    if (addGenerationPrompt && afterUser) {
      prompt.append(ASSISTANT).append(thinks ? THINK : THINK_END);
    }
    return prompt.toString();
  }

  private static String described(Map<String, ?> tool) {
    var function = DeepSeekText.function(tool) instanceof Map<?, ?> map ? map : Map.of();
    var description = function.get("description");
    return "\n### %s\nDescription: %s\n\nParameters: %s".formatted(
        function.get("name"), description == null ? "" : description, PythonJson.write(function.get("parameters")));
  }

  private static String withoutThoughts(Map<String, ?> message) {
    var content = DeepSeekText.content(message);
    int end = content.indexOf(THINK_END);
    return end < 0 ? content : content.substring(end + THINK_END.length());
  }

  private static String calls(List<DeepSeekText.Call> calls) {
    return calls.isEmpty() ? "" : calls.stream()
        .map(call -> "<｜tool▁call▁begin｜>%s<｜tool▁sep｜>%s<｜tool▁call▁end｜>".formatted(
            call.name(), call.arguments() instanceof String text ? text : PythonJson.write(call.arguments())))
        .collect(Collectors.joining("", "<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"));
  }
}
