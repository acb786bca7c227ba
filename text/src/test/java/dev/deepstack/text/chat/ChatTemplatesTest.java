package dev.deepstack.text.chat;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.text.template.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChatTemplatesTest {
  private static final List<Map<String, String>> HELLO = List.of(Map.of("role", "user", "content", "Hi"));
  private static final List<Map<String, Object>> TOOLS = List.of(Map.of("function", Map.of("name", "f")));

  @TempDir
  private Path folder;

  private void file(String name, String text) throws IOException {
    Files.createDirectories(folder.resolve(name).getParent());
    Files.writeString(folder.resolve(name), text);
  }

  private ChatTemplate read() {
    return ChatTemplates.read(folder).orElseThrow();
  }

  @Test
  void readsTheTemplateOfTheTokenizerConfig() throws IOException {
    file("tokenizer_config.json", """
        {"bos_token": "<s>", "eos_token": {"content": "</s>", "lstrip": false}, "pad_token": null,
         "chat_template": "{{ bos_token ~ messages[0].content ~ eos_token ~ (pad_token is defined) ~ tools }}"}
        """);
    assertThat(read().render(HELLO)).isEqualTo("<s>Hi</s>FalseNone");
  }

  @Test
  void readsNamedTemplates() throws IOException {
    file("tokenizer_config.json", """
        {"chat_template": [{"name": "default", "template": "plain"}, {"name": "tool_use", "template": "with tools"}]}
        """);
    assertThat(read().render(HELLO)).isEqualTo("plain");
    assertThat(read().render(HELLO, TOOLS, true, Map.of())).isEqualTo("with tools");
  }

  @Test
  void aFileOfItsOwnComesFirst() throws IOException {
    file("tokenizer_config.json", "{\"chat_template\": \"old\", \"bos_token\": \"B\"}");
    file("chat_template.jinja", "new {{ bos_token }} {{ add_generation_prompt }} {{ thinking }}\n");
    assertThat(read().render(HELLO, TOOLS, false, Map.of("thinking", "x"))).isEqualTo("new B False x");
    file("additional_chat_templates/tool_use.jinja", "for tools");
    assertThat(read().render(HELLO, TOOLS, false, Map.of())).isEqualTo("for tools");
  }

  @Test
  void readsAProcessorsTemplate() throws IOException {
    file("chat_template.json", "{\"chat_template\": \"p\"}");
    assertThat(read().render(HELLO)).isEqualTo("p");
  }

  @Test
  void knowsFamiliesThatComeWithoutOne() throws IOException {
    assertThat(ChatTemplates.read(folder)).isEmpty();
    file("config.json", "{\"model_type\": \"llama\"}");
    assertThat(ChatTemplates.read(folder)).isEmpty();
    file("config.json", "{\"model_type\": \"deepseek_v4\"}");
    assertThat(read().render(HELLO)).isEqualTo("<｜begin▁of▁sentence｜><｜User｜>Hi<｜Assistant｜></think>");
  }

  @Test
  void reasoningGoesByAllItsNames() {
    var template = ChatTemplates.of("g", "{{ messages[0].reasoning_content }}{{ messages[0].thinking }}", Map.of());
    assertThat(template.render(List.of(Map.of("role", "assistant", "reasoning", "r")))).isEqualTo("rr");
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "tokenizer_config.json | {\"chat_template\": 7} | chat_template must be a string or a list",
      "tokenizer_config.json | {\"chat_template\": [{\"name\": \"default\"}]} | needs a name and a template",
      "tokenizer_config.json | {\"chat_template\": | is not valid JSON",
      "tokenizer_config.json | {\"chat_template\": \"{% if %}\"} | chat template line 1: expected an expression",
      "chat_template.jinja | {{ 1 + }} | chat template line 1: expected an expression"})
  void brokenFilesAreRefused(String name, String text, String message) throws IOException {
    file(name, text);
    assertThatThrownBy(() -> ChatTemplates.read(folder)).isInstanceOf(TemplateException.class)
        .hasMessageContaining(message).hasMessageNotContaining("\n");
  }
}
