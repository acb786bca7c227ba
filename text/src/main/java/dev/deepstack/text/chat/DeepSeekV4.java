package dev.deepstack.text.chat;

import static dev.deepstack.text.chat.DeepSeekText.ASSISTANT;
import static dev.deepstack.text.chat.DeepSeekText.BEGIN;
import static dev.deepstack.text.chat.DeepSeekText.DSML;
import static dev.deepstack.text.chat.DeepSeekText.THINK;
import static dev.deepstack.text.chat.DeepSeekText.THINK_END;
import static dev.deepstack.text.chat.DeepSeekText.USER;

import dev.deepstack.text.template.TemplateException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/// The prompt format of DeepSeek-V4, which comes without a template.
///
/// There is no role for tools: their results are part of the user's turn, in the order of the calls. Reasoning of
/// earlier turns is dropped unless there are tools. Extras: `thinking` (or `enable_thinking`, default false),
/// `reasoning_effort` (`max` puts a paragraph before everything), `drop_thinking` (default true), `response_format`.
final class DeepSeekV4 implements ChatTemplate {
  private static final String REMINDER = "<｜latest_reminder｜>";

  private static final String MAX_EFFORT = """
      Reasoning Effort: Absolute maximum with no shortcuts permitted.
      You MUST be very thorough in your thinking and comprehensively decompose the problem to resolve the root \
      cause, rigorously stress-testing your logic against all potential paths, edge cases, and adversarial scenarios.
      Explicitly write out your entire deliberation process, documenting every intermediate step, considered \
      alternative, and rejected hypothesis to ensure absolutely no assumption is left unchecked.

      """;

  private static final String TOOLS = """


      ## Tools

      You have access to a set of tools to help answer the user's question. You can invoke tools by writing a \
      "<#tool_calls>" block like the following:

      <#tool_calls>
      <#invoke name="$TOOL_NAME">
      <#parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</#parameter>
      ...
      </#invoke>
      <#invoke name="$TOOL_NAME2">
      ...
      </#invoke>
      </#tool_calls>

      String parameters should be specified as is and set `string="true"`. For all other types (numbers, booleans, \
      arrays, objects), pass the value in JSON format and set `string="false"`.

      If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside \
      <think>...</think> BEFORE any tool calls or final response.

      Otherwise, output directly after </think> with tool calls or final response.

      ### Available Tool Schemas

      {tools}

      You MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.
      """.replace("<#", "<" + DSML).replace("</#", "</" + DSML);

  /// A turn after tools have been folded into the user's.
  private record Turn(String role, Map<String, ?> message, List<Part> parts) {
    boolean asks() {
      return role.equals("user") || role.equals("developer");
    }
  }

  /// A part of a user's turn; `call` is the id of the call that it answers, or empty.
  private record Part(String text, boolean result, String call) {}

  @Override
  public ReplyParser reply(String prompt) {
    return new ReplyParser(ReplyMarkup.dsml("tool_calls"), prompt);
  }

  @Override
  public String render(
      List<? extends Map<String, ?>> messages, List<? extends Map<String, ?>> tools,
      boolean addGenerationPrompt, Map<String, ?> extras) {
    boolean thinks = DeepSeekText.thinks(extras);
    boolean drops = tools.isEmpty() && !Boolean.FALSE.equals(extras.get("drop_thinking"));
    var turns = turns(messages);
    if (!tools.isEmpty() && turns.stream().noneMatch(turn -> turn.role.equals("system"))) {
      turns.addFirst(new Turn("system", Map.of("role", "system", "content", ""), List.of()));
    }
    int lastUser = lastUser(turns);
    if (thinks && drops) {
      var last = lastUser < 0 ? turns : turns.subList(0, lastUser);
      last.removeIf(turn -> turn.role.equals("developer"));
      lastUser = lastUser(turns);
    }
    var prompt = new StringBuilder(BEGIN);
    if (effort(extras) && thinks) {
      prompt.append(MAX_EFFORT);
    }
    boolean toolsTold = tools.isEmpty();
    for (int i = 0; i < turns.size(); i++) {
      var turn = turns.get(i);
      switch (turn.role) {
        case "system" -> {
          prompt.append(DeepSeekText.content(turn.message));
          if (!toolsTold) {
            prompt.append(DeepSeekText.told(TOOLS, tools));
            toolsTold = true;
          }
          prompt.append(i == 0 ? DeepSeekText.format(extras) : "");
        }
        case "developer" -> prompt.append(USER).append(DeepSeekText.content(turn.message));
        case "user" -> prompt.append(USER).append(
            turn.parts.stream().map(Part::text).collect(Collectors.joining("\n\n")));
        case "latest_reminder" -> prompt.append(REMINDER).append(DeepSeekText.content(turn.message));
        case "assistant" -> prompt.append(
            DeepSeekText.answer(turn.message, thinks && (!drops || i > lastUser), "tool_calls"));
        default -> throw new TemplateException("DeepSeek-V4 knows no role '" + turn.role + "'");
      }
      boolean answered = i + 1 == turns.size() ? addGenerationPrompt
          : turns.get(i + 1).role.equals("assistant") || turns.get(i + 1).role.equals("latest_reminder");
      if (turn.asks() && answered) {
        prompt.append(ASSISTANT).append(thinks && (!drops || i >= lastUser) ? THINK : THINK_END);
      }
    }
    return prompt.toString();
  }

  private static int lastUser(List<Turn> turns) {
    for (int i = turns.size() - 1; i >= 0; i--) {
      if (turns.get(i).asks()) {
        return i;
      }
    }
    return -1;
  }

  /// Whether the greatest effort is asked for.
  private static boolean effort(Map<String, ?> extras) {
    var effort = extras.get("reasoning_effort");
    if (effort != null && !effort.equals("max") && !effort.equals("high")) {
      throw new TemplateException("DeepSeek-V4 knows reasoning_effort high and max, not '" + effort + "'");
    }
    return "max".equals(effort);
  }

  private static List<Turn> turns(List<? extends Map<String, ?>> messages) {
    var turns = new ArrayList<Turn>();
    var order = new HashMap<String, Integer>();
    for (var message : messages) {
      var role = DeepSeekText.role(message);
      if (role.equals("assistant")) {
        var calls = DeepSeekText.calls(message);
        if (!calls.isEmpty()) {
          order.clear();
        }
        for (int i = 0; i < calls.size(); i++) {
          if (!calls.get(i).id().isEmpty()) {
            order.put(calls.get(i).id(), i);
          }
        }
      }
      if (!role.equals("user") && !role.equals("tool")) {
        turns.add(new Turn(role, message, List.of()));
        continue;
      }
      var part = role.equals("user") ? new Part(DeepSeekText.content(message), false, "")
          : new Part("<tool_result>" + DeepSeekText.text(message.get("content"), "\n\n") + "</tool_result>", true,
              message.get("tool_call_id") instanceof String id ? id : "");
      if (turns.isEmpty() || !turns.getLast().role.equals("user")) {
        turns.add(new Turn("user", message, new ArrayList<>()));
      }
      turns.getLast().parts.add(part);
      sortResults(turns.getLast().parts, order);
    }
    return turns;
  }

  /// Results change places among themselves only.
  private static void sortResults(List<Part> parts, Map<String, Integer> order) {
    var sorted = parts.stream().filter(Part::result)
        .sorted(Comparator.comparingInt(part -> order.getOrDefault(part.call, 0))).iterator();
    parts.replaceAll(part -> part.result ? sorted.next() : part);
  }
}
