package dev.deepstack.text.chat;

import dev.deepstack.text.template.TemplateException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// What DeepSeek's prompt formats share: special tokens, typed access to messages, calls as DSML.
final class DeepSeekText {
  static final String BEGIN = "<｜begin▁of▁sentence｜>";
  static final String END = "<｜end▁of▁sentence｜>";
  static final String USER = "<｜User｜>";
  static final String ASSISTANT = "<｜Assistant｜>";
  static final String THINK = ReplyMarkup.THINK;
  static final String THINK_END = ReplyMarkup.THINK_END;
  static final String DSML = "｜DSML｜";

  private static final String FORMAT =
      "\n\n## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n";

  /// A call of a tool in a message of the past.
  record Call(String id, String name, Object arguments) {}

  private DeepSeekText() {}

  /// Whether the caller wants thoughts.
  static boolean thinks(Map<String, ?> extras) {
    var asked = extras.get("thinking") != null ? extras.get("thinking") : extras.get("enable_thinking");
    return Boolean.TRUE.equals(asked);
  }

  static String role(Map<String, ?> message) {
    if (!(message.get("role") instanceof String role)) {
      throw new TemplateException("a message has no role");
    }
    return role;
  }

  /// The message's text: a string, or a list of parts of which only text is possible.
  static String content(Map<String, ?> message) {
    return text(message.get("content"), "");
  }

  static String text(@Nullable Object content, String separator) {
    return switch (content) {
      case null -> "";
      case String text -> text;
      case List<?> parts -> {
        var texts = new ArrayList<String>();
        for (var part : parts) {
          if (!(part instanceof Map<?, ?> map) || !(map.get("text") instanceof String text)) {
            throw new TemplateException("this model reads text only");
          }
          texts.add(text);
        }
        yield String.join(separator, texts);
      }
      default -> throw new TemplateException("a message's content must be text");
    };
  }

  static String reasoning(Map<String, ?> message) {
    for (var name : JinjaTemplate.REASONING) {
      if (message.get(name) instanceof String text) {
        return text;
      }
    }
    return "";
  }

  static List<Call> calls(Map<String, ?> message) {
    var calls = new ArrayList<Call>();
    if (message.get("tool_calls") instanceof List<?> list) {
      for (var entry : list) {
        var call = entry instanceof Map<?, ?> map ? map : Map.of();
        var function = call.get("function") instanceof Map<?, ?> map ? map : call;
        if (!(function.get("name") instanceof String name)) {
          throw new TemplateException("a call of a tool has no name");
        }
        var arguments = function.get("arguments");
        calls.add(new Call(call.get("id") instanceof String id ? id : "", name, arguments == null ? "{}" : arguments));
      }
    }
    return calls;
  }

  /// The function's own description, without the wrapping that says it is a function.
  static Object function(Map<String, ?> tool) {
    var function = tool.get("function");
    return function == null ? tool : function;
  }

  /// An instruction in which the tools' descriptions stand for `{tools}`.
  static String told(String instruction, List<? extends Map<String, ?>> tools) {
    return instruction.replace("{tools}", tools.stream()
        .map(tool -> PythonJson.write(function(tool))).collect(Collectors.joining("\n")));
  }

  /// What `response_format` demands, or nothing.
  static String format(Map<String, ?> extras) {
    var format = extras.get("response_format");
    return format == null ? "" : FORMAT + PythonJson.write(format);
  }

  /// An answer of the past; its calls stand inside an element of this name.
  static String answer(Map<String, ?> message, boolean withThoughts, String element) {
    var calls = calls(message);
    return (withThoughts ? reasoning(message) + THINK_END : "") + content(message)
        + (calls.isEmpty() ? "" : dsml(element, calls)) + END;
  }

  private static String dsml(String element, List<Call> calls) {
    var invocations = calls.stream().map(DeepSeekText::invocation).toList();
    return "\n\n<%s%s>\n%s\n</%1$s%2$s>".formatted(DSML, element, String.join("\n", invocations));
  }

  private static String invocation(Call call) {
    var parameters = new ArrayList<String>();
    arguments(call).forEach((name, value) -> {
      boolean text = value instanceof String;
      parameters.add("<%sparameter name=\"%s\" string=\"%s\">%s</%1$sparameter>".formatted(
          DSML, name, text, text ? value : PythonJson.write(value)));
    });
    return "<%sinvoke name=\"%s\">\n%s\n</%1$sinvoke>".formatted(DSML, call.name, String.join("\n", parameters));
  }

  /// Arguments come as a map or as JSON text; text that is no object is one argument of that name.
  private static Map<String, @Nullable Object> arguments(Call call) {
    var arguments = new LinkedHashMap<String, @Nullable Object>();
    var given = call.arguments instanceof String text ? PythonJson.read(text) : call.arguments;
    if (given instanceof Map<?, ?> map) {
      map.forEach((name, value) -> arguments.put(String.valueOf(name), value));
    } else {
      arguments.put("arguments", call.arguments);
    }
    return arguments;
  }
}
