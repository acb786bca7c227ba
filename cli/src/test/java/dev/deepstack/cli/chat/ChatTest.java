package dev.deepstack.cli.chat;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.text.chat.ChatTemplates;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

final class ChatTest {
  private static final String TEMPLATE = "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
      + "{% if add_generation_prompt %}[assistant]{% endif %}";

  private final List<String> prompts = new ArrayList<>();
  private final StringWriter out = new StringWriter();

  private String chat(boolean hasTemplate, String system, String input) {
    var template = hasTemplate ? Optional.of(ChatTemplates.of("test", TEMPLATE, Map.of())) : Optional
        .<dev.deepstack.text.chat.ChatTemplate>empty();
    var conversation = new Conversation(template, (prompt, isTemplate, onText) -> {
      assertThat(isTemplate).isEqualTo(hasTemplate);
      prompts.add(prompt);
      if (prompt.contains("fail")) {
        throw new InvalidInputException("the prompt is too long");
      }
      onText.accept("ans");
      onText.accept("wer" + prompts.size());
    }, system);
    new Chat(new PipedLines(new StringReader(input)), conversation, new PrintWriter(out), false).run();
    return out.toString();
  }

  @Test
  void remembersTheConversation() {
    assertThat(chat(true, "be brief", "hello\n\nagain\n")).isEqualTo("answer1\nanswer2\n");
    assertThat(prompts).containsExactly("[system]be brief[user]hello[assistant]",
        "[system]be brief[user]hello[assistant]answer1[user]again[assistant]");
  }

  @Test
  void continuesTextWithoutATemplate() {
    chat(false, "", "one\ntwo\n");
    assertThat(prompts).containsExactly("one", "oneanswer1two");
  }

  @Test
  void obeysCommands() {
    String said = chat(true, "", "/help\nhello\n/clear\nhello\n/system rules\nx\n/nonsense\n/exit\nunheard\n");
    assertThat(said).contains("Ctrl-C stops an answer", "no command /nonsense").doesNotContain("unheard");
    assertThat(prompts).containsExactly("[user]hello[assistant]", "[user]hello[assistant]",
        "[system]rules[user]x[assistant]");
  }

  @Test
  void goesOnAfterAnError() {
    assertThat(chat(true, "", "fail\nhello\n")).isEqualTo("deepstack: the prompt is too long\nanswer2\n");
    assertThat(prompts.getLast()).isEqualTo("[user]hello[assistant]");
  }

  @Test
  void takesSeveralLines() {
    chat(true, "", "one\\\ntwo\\\nthree\n");
    assertThat(prompts).containsExactly("[user]one\ntwo\nthree[assistant]");
  }
}
