package dev.deepstack.text.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.text.template.TemplateException;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// DeepSeek's prompt formats, token by token.
class DeepSeekTest {
  private static final String BOS = "<｜begin▁of▁sentence｜>";
  private static final String EOS = "<｜end▁of▁sentence｜>";
  private static final Map<String, Object> THINKING = Map.of("thinking", true);
  private static final List<Map<String, Object>> TOOLS = List.of(Map.of("type", "function", "function",
      Map.of("name", "weather")));

  private final ChatTemplate v3 = ChatTemplates.ofFamily("deepseek_v3").orElseThrow();
  private final ChatTemplate v32 = ChatTemplates.ofFamily("deepseek_v32").orElseThrow();
  private final ChatTemplate v4 = ChatTemplates.ofFamily("deepseek_v4").orElseThrow();

  private static Map<String, Object> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }

  private static Map<String, Object> thought(String content, String reasoning) {
    return Map.of("role", "assistant", "content", content, "reasoning_content", reasoning);
  }

  private static Map<String, Object> call(String id, String name, Object arguments) {
    return Map.of("id", id, "type", "function", "function", Map.of("name", name, "arguments", arguments));
  }

  private static Map<String, Object> result(String id, String content) {
    return Map.of("role", "tool", "tool_call_id", id, "content", content);
  }

  private static final List<Map<String, Object>> TURNS = List.of(
      message("system", "Be brief."), message("user", "1+1?"), thought("2", "easy"), message("user", "2+2?"));

  private static final List<Map<String, Object>> CALLS = List.of(
      message("user", "Weather?"),
      Map.of("role", "assistant", "content", "", "reasoning_content", "ask", "tool_calls",
          List.of(call("a", "weather", "{\"place\": \"Hà Nội\", \"days\": 2}"), call("b", "time", Map.of()))),
      result("b", "noon"), result("a", "hot"));

  @Test
  void v4ClosesTheThoughtsWhenNoneAreWanted() {
    assertThat(v4.render(TURNS)).isEqualTo(BOS + "Be brief.<｜User｜>1+1?<｜Assistant｜></think>2" + EOS
        + "<｜User｜>2+2?<｜Assistant｜></think>");
    assertThat(v4.render(TURNS, List.of(), false, Map.of())).endsWith("<｜User｜>2+2?");
  }

  @Test
  void v4DropsEarlierThoughtsUnlessThereAreTools() {
    assertThat(v4.render(TURNS, List.of(), true, THINKING)).isEqualTo(BOS
        + "Be brief.<｜User｜>1+1?<｜Assistant｜></think>2" + EOS + "<｜User｜>2+2?<｜Assistant｜><think>");
    assertThat(v4.render(TURNS, List.of(), true, Map.of("thinking", true, "drop_thinking", false)))
        .contains("<｜Assistant｜><think>easy</think>2" + EOS);
    assertThat(v4.render(TURNS, TOOLS, true, THINKING)).startsWith(BOS + "Be brief.\n\n## Tools\n\nYou have access")
        .contains("### Available Tool Schemas\n\n{\"name\": \"weather\"}\n\nYou MUST")
        .contains("<｜Assistant｜><think>easy</think>2" + EOS);
  }

  @Test
  void v4FoldsResultsIntoTheUsersTurnInOrderOfTheCalls() {
    assertThat(v4.render(CALLS, List.of(), true, THINKING)).isEqualTo(BOS
        + "<｜User｜>Weather?<｜Assistant｜></think>\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"weather\">\n"
        + "<｜DSML｜parameter name=\"place\" string=\"true\">Hà Nội</｜DSML｜parameter>\n"
        + "<｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
        + "<｜DSML｜invoke name=\"time\">\n\n</｜DSML｜invoke>\n</｜DSML｜tool_calls>" + EOS
        + "<｜User｜><tool_result>hot</tool_result>\n\n<tool_result>noon</tool_result><｜Assistant｜><think>");
  }

  @Test
  void v4PutsTheEffortBeforeEverything() {
    var max = Map.of("thinking", true, "reasoning_effort", "max");
    assertThat(v4.render(TURNS, List.of(), true, max)).startsWith(BOS + "Reasoning Effort: Absolute maximum with no")
        .contains("is left unchecked.\n\nBe brief.<｜User｜>");
    assertThat(v4.render(TURNS, List.of(), true, Map.of("reasoning_effort", "max"))).startsWith(BOS + "Be brief.");
    assertThatThrownBy(() -> v4.render(TURNS, List.of(), true, Map.of("reasoning_effort", "low")))
        .isInstanceOf(TemplateException.class).hasMessageContaining("high and max, not 'low'");
  }

  @Test
  void v4ReadsRemindersAndRefusesOtherRoles() {
    assertThat(v4.render(List.of(message("latest_reminder", "2026"), message("user", "Hi"))))
        .isEqualTo(BOS + "<｜latest_reminder｜>2026<｜User｜>Hi<｜Assistant｜></think>");
    assertThatThrownBy(() -> v4.render(List.of(message("poet", "x"))))
        .isInstanceOf(TemplateException.class).hasMessage("DeepSeek-V4 knows no role 'poet'");
    assertThatThrownBy(() -> v4.render(List.of(Map.of("content", "x"))))
        .isInstanceOf(TemplateException.class).hasMessage("a message has no role");
  }

  @Test
  void v32PutsResultsIntoABlock() {
    assertThat(v32.render(CALLS, List.of(), true, THINKING)).isEqualTo(BOS
        + "<｜User｜>Weather?<｜Assistant｜><think>ask</think>\n\n<｜DSML｜function_calls>\n"
        + "<｜DSML｜invoke name=\"weather\">\n"
        + "<｜DSML｜parameter name=\"place\" string=\"true\">Hà Nội</｜DSML｜parameter>\n"
        + "<｜DSML｜parameter name=\"days\" string=\"false\">2</｜DSML｜parameter>\n</｜DSML｜invoke>\n"
        + "<｜DSML｜invoke name=\"time\">\n\n</｜DSML｜invoke>\n</｜DSML｜function_calls>" + EOS
        + "\n\n<function_results>\n<result>noon</result>\n<result>hot</result>\n</function_results>\n\n<think>");
    assertThatThrownBy(() -> v32.render(List.of(message("user", "x"), result("a", "y"))))
        .isInstanceOf(TemplateException.class).hasMessageContaining("was not called");
  }

  @Test
  void v3WritesCallsBetweenTokens() {
    assertThat(v3.render(TURNS, List.of(), true, THINKING)).isEqualTo(BOS
        + "Be brief.<｜User｜>1+1?<｜Assistant｜></think>2" + EOS + "<｜User｜>2+2?<｜Assistant｜><think>");
    assertThat(v3.render(CALLS, List.of(), true, Map.of())).isEqualTo(BOS
        + "<｜User｜>Weather?<｜Assistant｜></think><｜tool▁calls▁begin｜><｜tool▁call▁begin｜>weather<｜tool▁sep｜>"
        + "{\"place\": \"Hà Nội\", \"days\": 2}<｜tool▁call▁end｜><｜tool▁call▁begin｜>time<｜tool▁sep｜>{}"
        + "<｜tool▁call▁end｜><｜tool▁calls▁end｜>" + EOS + "<｜tool▁output▁begin｜>noon<｜tool▁output▁end｜>"
        + "<｜tool▁output▁begin｜>hot<｜tool▁output▁end｜>");
    assertThat(v3.render(TURNS, TOOLS, true, Map.of())).contains(
        "\n\n## Tools\nYou have access to the following tools:\n\n### weather\nDescription: \n\n"
            + "Parameters: null\n\nIMP");
  }
}
