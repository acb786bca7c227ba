package dev.deepstack.text.template;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Clock;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/// Templates and what Python's Jinja2, set up as transformers does, makes of them: recorded by
/// `fixtures/make_templates.py`.
class TemplateTest {
  static final JsonNode RECORDED =
      JsonMapper.shared().readTree(Path.of("src/test/resources/templates.json").toFile());
  private static final Clock THEN = Clock.fixed(
      LocalDateTime.parse(RECORDED.get("now").stringValue()).toInstant(ZoneOffset.UTC), ZoneOffset.UTC);

  @Test
  void expressionsAndStatementsDoAsInPython() {
    var differences = new ArrayList<String>();
    for (var row : RECORDED.get("small")) {
      compare(row.get("template").stringValue(), row, RECORDED.get("data"), differences);
    }
    assertThat(RECORDED.get("small").size()).isGreaterThan(190);
    assertThat(differences).isEmpty();
  }

  @Test
  void chatTemplatesDoAsInPython() {
    var differences = new ArrayList<String>();
    for (var template : RECORDED.get("whole")) {
      template.get("results").propertyStream().forEach(result -> compare(
          template.get("template").stringValue(), result.getValue(), RECORDED.get("chats").get(result.getKey()),
          differences));
    }
    assertThat(RECORDED.get("whole").size()).isGreaterThanOrEqualTo(8);
    assertThat(differences).isEmpty();
  }

  private static void compare(String source, JsonNode expected, JsonNode data, List<String> differences) {
    String actual;
    try {
      actual = Template.parse("t", source).render(variables(data), THEN);
    } catch (TemplateException e) {
      actual = null;
      if (expected.has("text")) {
        differences.add("%s%n  fails: %s".formatted(source, e.getMessage()));
        return;
      }
    }
    var text = expected.has("text") ? expected.get("text").stringValue() : null;
    if (!java.util.Objects.equals(actual, text)) {
      differences.add("%s%n  gives %s%n  not   %s".formatted(source, actual, expected));
    }
  }

  static Map<String, Object> variables(JsonNode data) {
    return JsonMapper.shared().convertValue(data, new TypeReference<Map<String, Object>>() {});
  }

  @Test
  void messagesSayWhere() {
    assertThat(failure("a\n{{ b.c }}")).isEqualTo("t line 2: 'b' is undefined");
    assertThat(failure("{% for x in [1] %}\n\n{{ x + 'a' }}{% endfor %}"))
        .isEqualTo("t line 3: '+' does not go with a number and a string");
    assertThat(failure("{{ raise_exception('no system role') }}")).isEqualTo("no system role");
    assertThat(failure("\n{% nothing %}")).isEqualTo("t line 2: the statement 'nothing' is not supported");
  }

  @Test
  void aLoopsConditionMayBeALiteral() {
    assertThat(Template.parse("t", "{% for x in [1, 2] if false %}{{ x }}{% else %}none{% endfor %}"
        + "{% for x in [1, 2] if 1 %}{{ x }}{% endfor %}").render(Map.of())).isEqualTo("none12");
  }

  static String failure(String source) {
    try {
      return Template.parse("t", source).render(Map.of());
    } catch (TemplateException e) {
      return String.valueOf(e.getMessage());
    }
  }
}
