package dev.deepstack.text.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.text.chat.ReplyPart.Answer;
import dev.deepstack.text.chat.ReplyPart.Reasoning;
import dev.deepstack.text.chat.ReplyPart.ToolCall;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ReplyParserTest {
  private static final ReplyMarkup V4 = ReplyMarkup.dsml("tool_calls");
  private static final String DSML_REPLY = "So.</think>Let me see.\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n"
      + "<｜DSML｜parameter name=\"a\" string=\"true\">x \"<b>\"</｜DSML｜parameter>\n"
      + "<｜DSML｜parameter name=\"n\" string=\"false\">[1, 2]</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
      + "<｜DSML｜invoke name=\"g\">\n\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>";
  private static final List<ReplyPart> DSML_PARTS = List.of(
      new Reasoning("So."), new Answer("Let me see."),
      new ToolCall("f", "{\"a\": \"x \\\"<b>\\\"\", \"n\": [1, 2]}"), new ToolCall("g", "{}"));

  @Test
  void readsDsml() {
    assertThat(parse(V4, "<think>", DSML_REPLY)).isEqualTo(DSML_PARTS);
    assertThat(parse(V4, "</think>", "Fine.")).containsExactly(new Answer("Fine."));
  }

  @Test
  void readsCallsBetweenTokens() {
    assertThat(parse(ReplyMarkup.TOKEN_CALLS, "", "Ok<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>f<｜tool▁sep｜>{\"a\":1}"
        + "<｜tool▁call▁end｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>g\n```json\n{}\n```<｜tool▁call▁end｜>"
        + "<｜tool▁calls▁end｜>")).containsExactly(
            new Answer("Ok"), new ToolCall("f", "{\"a\":1}"), new ToolCall("g", "{}"));
  }

  @Test
  void readsJsonCalls() {
    assertThat(parse(ReplyMarkup.TAGGED_CALLS, "", "<think>\nhm\n</think>\n\n<tool_call>\n{\"name\": \"f\", "
        + "\"arguments\": {\"a\": 1}}\n</tool_call>\n<tool_call>{\"name\": \"g\"}</tool_call>\n"))
        .containsExactly(new Reasoning("\nhm\n"), new ToolCall("f", "{\"a\":1}"), new ToolCall("g", "{}"));
  }

  @Test
  void readsCallsOfQwenCoder() {
    assertThat(parse(ReplyMarkup.TAGGED_CALLS, "", "Look.\n<tool_call>\n<function=read_file>\n"
        + "<parameter=path>\nsrc/a <b>.c\n</parameter>\n<parameter=lines>\n[1, 20]\n</parameter>\n"
        + "<parameter=text>\ntwo\nlines\n\n</parameter>\n"
        + "</function>\n</tool_call><tool_call>\n<function=stop>\n</function>\n</tool_call>"))
        .containsExactly(new Answer("Look."),
            new ToolCall("read_file", "{\"path\": \"src/a <b>.c\", \"lines\": [1, 20], \"text\": \"two\\nlines\\n\"}"),
            new ToolCall("stop", "{}"));
  }

  @Test
  void readsCallsOfGlm() {
    assertThat(parse(ReplyMarkup.TAGGED_CALLS, "", "<think></think>\n<tool_call>weather\n<arg_key>city</arg_key>\n"
        + "<arg_value>São \"Paulo\"</arg_value>\n<arg_key>days</arg_key>\n<arg_value>3</arg_value>\n"
        + "<arg_key>exact</arg_key><arg_value>true</arg_value>\n</tool_call>\n<tool_call>now\n</tool_call>"))
        .containsExactly(
            new ToolCall("weather", "{\"city\": \"São \\\"Paulo\\\"\", \"days\": 3, \"exact\": true}"),
            new ToolCall("now", "{}"));
  }

  @Test
  void whatIsNoCallIsShownAsItStands() {
    for (var broken : List.of(
        "<tool_call>no json</tool_call>", "<tool_call>[1]</tool_call>",
        "<tool_call><function=f>x</function></tool_call>",
        "<tool_call>f<arg_key>a</arg_key></tool_call>",
        "<tool_call><function=f><parameter=a>1</parameter><parameter=a>2</parameter></function></tool_call>",
        "<tool_call>{\"name\": \"f\"", "a < b <tool",
        "<thin", "x <think> y", "</think>")) {
      assertThat(joined(parse(ReplyMarkup.TAGGED_CALLS, "", broken))).isEqualTo(broken);
    }
    var twice = "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"false\">{"
        + "</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>";
    assertThat(joined(parse(V4, "", twice))).isEqualTo(twice);
  }

  /// However the text is cut, the parts are the same, and no piece of a mark is shown on the way.
  @Test
  void anyCutGivesTheSame() {
    var random = new Random(4);
    for (int i = 0; i < 500; i++) {
      var parser = new ReplyParser(V4, "<think>");
      var parts = new ArrayList<ReplyPart>();
      for (int at = 0; at < DSML_REPLY.length(); ) {
        int end = Math.min(DSML_REPLY.length(), at + 1 + random.nextInt(i % 40 + 1));
        var more = parser.add(DSML_REPLY.substring(at, end));
        for (var part : more) {
          if (part instanceof Answer(var text)) {
            assertThat(text).doesNotContain("<").doesNotContain("｜");
          }
        }
        parts.addAll(more);
        at = end;
      }
      parts.addAll(parser.end());
      assertThat(merged(parts)).isEqualTo(DSML_PARTS);
    }
  }

  @Test
  void aLongCallIsReadInOneGo() {
    var parser = new ReplyParser(V4, "");
    var value = "word ".repeat(40_000);
    parser.add("<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n<｜DSML｜parameter name=\"a\" string=\"true\">");
    for (int at = 0; at < value.length(); at += 5) {
      assertThat(parser.add(value.substring(at, at + 5))).isEmpty();
    }
    assertThat(parser.add("</｜DSML｜parameter>\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>"))
        .containsExactly(new ToolCall("f", "{\"a\": \"" + value + "\"}"));
  }

  private static List<ReplyPart> parse(ReplyMarkup markup, String prompt, String text) {
    var parser = new ReplyParser(markup, prompt);
    var parts = new ArrayList<>(parser.add(text));
    parts.addAll(parser.end());
    return merged(parts);
  }

  private static String joined(List<ReplyPart> parts) {
    var text = new StringBuilder();
    for (var part : parts) {
      text.append(part instanceof Answer(var answer) ? answer : part.toString());
    }
    return text.toString();
  }

  /// Neighbouring pieces of text as one.
  private static List<ReplyPart> merged(List<ReplyPart> parts) {
    var merged = new ArrayList<ReplyPart>();
    for (var part : parts) {
      var last = merged.isEmpty() ? null : merged.getLast();
      if (part instanceof Answer(var text) && last instanceof Answer(var before)) {
        merged.set(merged.size() - 1, new Answer(before + text));
      } else if (part instanceof Reasoning(var text) && last instanceof Reasoning(var before)) {
        merged.set(merged.size() - 1, new Reasoning(before + text));
      } else {
        merged.add(part);
      }
    }
    return merged;
  }
}
