package dev.deepstack.text.chat;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Reads calls of tools out of what a model wrote. The text is data whatever it says; what is malformed gives
/// null and is then shown as it stands.
final class CallReader {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final Pattern TOKEN_CALL = Pattern.compile(
      "\\s*<｜tool▁call▁begin｜>(.*?)<｜tool▁sep｜>(.*?)<｜tool▁call▁end｜>", Pattern.DOTALL);
  private static final Pattern FENCED = Pattern.compile("(.*?)\\n```json\\n(.*)\\n```\\s*", Pattern.DOTALL);
  private static final Pattern FUNCTION =
      Pattern.compile("\\s*<function=([^<>\\s]+)>(.*)</function>\\s*", Pattern.DOTALL);
  private static final Pattern FUNCTION_PARAMETER =
      Pattern.compile("\\s*<parameter=([^<>\\s]+)>\\n?(.*?)\\n?</parameter>", Pattern.DOTALL);
  private static final Pattern NAMED = Pattern.compile("\\s*([A-Za-z_][\\w.-]*)(|\\s*<arg_key>.*)\\s*", Pattern.DOTALL);
  private static final Pattern ARGUMENT =
      Pattern.compile("\\s*<arg_key>(.*?)</arg_key>\\s*<arg_value>(.*?)</arg_value>", Pattern.DOTALL);
  private static final Pattern INVOKE = Pattern.compile(
      "\\s*<｜DSML｜invoke name=\"([^\"]*)\">\\n?(.*?)</｜DSML｜invoke>", Pattern.DOTALL);
  private static final Pattern PARAMETER = Pattern.compile(
      "\\s*<｜DSML｜parameter name=\"([^\"]*)\" string=\"(true|false)\">(.*?)</｜DSML｜parameter>", Pattern.DOTALL);

  private CallReader() {}

  /// A call between `<tool_call>` and `</tool_call>`.
  static @Nullable List<ReplyPart> tagged(String block) {
    var function = FUNCTION.matcher(block);
    if (function.matches()) {
      return call(function.group(1), function.group(2), FUNCTION_PARAMETER);
    }
    var named = NAMED.matcher(block);
    return named.matches() ? call(named.group(1), named.group(2), ARGUMENT) : json(block);
  }

  /// @param argument has two groups, name and value: what is JSON and no text is taken for JSON, all else for a text
  private static @Nullable List<ReplyPart> call(String name, String arguments, Pattern argument) {
    var values = new LinkedHashMap<String, String>();
    boolean understood = all(argument, arguments, match -> {
      JsonNode json = parse(match.group(2));
      boolean isText = json == null || json.isString() || json.isMissingNode();
      return values.put(JSON.writeValueAsString(match.group(1)),
          isText ? JSON.writeValueAsString(match.group(2)) : match.group(2).strip()) == null;
    });
    return understood ? List.of(new ReplyPart.ToolCall(name, object(values))) : null;
  }

  private static @Nullable List<ReplyPart> json(String block) {
    var call = parse(block);
    if (call == null || !call.path("name").isString()) {
      return null;
    }
    var arguments = call.path("arguments");
    return List.of(new ReplyPart.ToolCall(call.get("name").stringValue(),
        arguments.isString() ? arguments.stringValue() : arguments.isMissingNode() ? "{}" : arguments.toString()));
  }

  static @Nullable JsonNode parse(String text) {
    try {
      return JSON.readTree(text);
    } catch (JacksonException _) {
      return null;
    }
  }

  static @Nullable List<ReplyPart> tokens(String block) {
    var calls = new ArrayList<ReplyPart>();
    boolean understood = all(TOKEN_CALL, block, call -> {
      var fenced = FENCED.matcher(call.group(2));
      boolean named = call.group(1).equals("function") && fenced.matches();
      return calls.add(named ? new ReplyPart.ToolCall(fenced.group(1).strip(), fenced.group(2))
          : new ReplyPart.ToolCall(call.group(1).strip(), call.group(2)));
    });
    return calls.isEmpty() || !understood ? null : calls;
  }

  static @Nullable List<ReplyPart> dsml(String block) {
    var calls = new ArrayList<ReplyPart>();
    boolean understood = all(INVOKE, block, invoke -> {
      var arguments = arguments(invoke.group(2));
      return arguments != null && calls.add(new ReplyPart.ToolCall(invoke.group(1), arguments));
    });
    return calls.isEmpty() || !understood ? null : calls;
  }

  /// Whether the text is one match after the other, and each is understood.
  private static boolean all(Pattern pattern, String text, Predicate<Matcher> understands) {
    int done = 0;
    var match = pattern.matcher(text);
    while (match.region(done, text.length()).lookingAt()) {
      if (!understands.test(match)) {
        return false;
      }
      done = match.end();
    }
    return text.substring(done).isBlank();
  }

  /// The parameters as a JSON object, or null for what cannot be read.
  private static @Nullable String arguments(String parameters) {
    var values = new LinkedHashMap<String, String>();
    boolean understood = all(PARAMETER, parameters, parameter -> {
      boolean text = parameter.group(2).equals("true");
      if (!text && parse(parameter.group(3)) == null) {
        return false;
      }
      var value = text ? JSON.writeValueAsString(parameter.group(3)) : parameter.group(3);
      return values.put(JSON.writeValueAsString(parameter.group(1)), value) == null;
    });
    if (!understood) {
      return null;
    }
    return object(values);
  }

  /// An object of members that are JSON already.
  private static String object(Map<String, String> members) {
    var object = new StringBuilder("{");
    members.forEach((name, value) ->
        object.append(object.length() > 1 ? ", " : "").append(name).append(": ").append(value));
    return object.append('}').toString();
  }
}
