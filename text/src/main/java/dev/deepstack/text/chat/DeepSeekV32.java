package dev.deepstack.text.chat;

import static dev.deepstack.text.chat.DeepSeekText.ASSISTANT;
import static dev.deepstack.text.chat.DeepSeekText.BEGIN;
import static dev.deepstack.text.chat.DeepSeekText.DSML;
import static dev.deepstack.text.chat.DeepSeekText.THINK;
import static dev.deepstack.text.chat.DeepSeekText.THINK_END;
import static dev.deepstack.text.chat.DeepSeekText.USER;

import dev.deepstack.text.template.TemplateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// The prompt format of DeepSeek-V3.2, which comes without a template: calls as DSML, results of tools in one block
/// after the calls, thoughts only after the last user's turn. Extras: `thinking` (or `enable_thinking`),
/// `response_format`.
final class DeepSeekV32 implements ChatTemplate {
  private static final String TOOLS = """


      ## Tools

      You have access to a set of tools you can use to answer the user's question.
      You can invoke functions by writing a "<#function_calls>" block like the following as part of your reply to \
      the user:
      <#function_calls>
      <#invoke name="$FUNCTION_NAME">
      <#parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</#parameter>
      ...
      </#invoke>
      <#invoke name="$FUNCTION_NAME2">
      ...
      </#invoke>
      </#function_calls>

      String and scalar parameters should be specified as is without any escaping or quotes, while lists and objects \
      should use JSON format. The "string" attribute should be set to "true" for string type parameters and "false" \
      for other types (numbers, booleans, arrays, objects).

      If the thinking_mode is enabled, then after function results you should strongly consider outputting a thinking \
      block. Here is an example:

      <#function_calls>
      ...
      </#function_calls>

      <function_results>
      ...
      </function_results>

      <think>...thinking about results</think>

      Here are the functions available in JSONSchema format:
      <functions>
      {tools}
      </functions>
      """.replace("<#", "<" + DSML).replace("</#", "</" + DSML);

  @Override
  public ReplyParser reply(String prompt) {
    return new ReplyParser(ReplyMarkup.dsml("function_calls"), prompt);
  }

  @Override
  public String render(
      List<? extends Map<String, ?>> messages, List<? extends Map<String, ?>> tools,
      boolean addGenerationPrompt, Map<String, ?> extras) {
    boolean thinks = DeepSeekText.thinks(extras);
    var all = new ArrayList<Map<String, ?>>(messages);
    boolean told = tools.isEmpty() && extras.get("response_format") == null;
    if (!told && all.stream().noneMatch(message -> DeepSeekText.role(message).equals("system"))) {
      all.addFirst(Map.of("role", "system", "content", ""));
    }
    int lastUser = -1;
    for (int i = 0; i < all.size(); i++) {
      lastUser = DeepSeekText.role(all.get(i)).equals("user") ? i : lastUser;
    }
    var prompt = new StringBuilder(BEGIN);
    int results = 0;
    int called = 0;
    for (int i = 0; i < all.size(); i++) {
      var message = all.get(i);
      boolean opensThought = thinks && i >= lastUser;
      boolean last = i + 1 == all.size();
      switch (DeepSeekText.role(message)) {
        case "system" -> {
          prompt.append(DeepSeekText.content(message));
          if (!told) {
            prompt.append(tools.isEmpty() ? "" : DeepSeekText.told(TOOLS, tools)).append(DeepSeekText.format(extras));
            told = true;
          }
        }
        case "user" -> {
          prompt.append(USER).append(DeepSeekText.content(message));
          if (!last || addGenerationPrompt) {
            prompt.append(ASSISTANT).append(opensThought ? THINK : THINK_END);
          }
        }
        case "assistant" -> {
          prompt.append(DeepSeekText.answer(message, thinks && i > lastUser, "function_calls"));
          called = DeepSeekText.calls(message).size();
          results = 0;
        }
        case "tool" -> {
          if (++results > called) {
            throw new TemplateException("there is a result of a tool that was not called");
          }
          prompt.append(results == 1 ? "\n\n<function_results>" : "").append("\n<result>")
              .append(DeepSeekText.content(message)).append("</result>");
          if (results == called) {
            prompt.append("\n</function_results>");
            prompt.append(last && !addGenerationPrompt ? "" : "\n\n" + (opensThought ? THINK : THINK_END));
          }
        }
        default -> throw new TemplateException(
            "DeepSeek-V3.2 knows no role '" + DeepSeekText.role(message) + "'");
      }
    }
    return prompt.toString();
  }
}
