package dev.deepstack.cli.chat;

import dev.deepstack.text.chat.ChatTemplate;
import dev.deepstack.text.chat.ReplyPart;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;

/// What was said so far. Without a chat template the model simply continues the text of it.
public final class Conversation {
  /// Continues a prompt and gives what it wrote.
  public interface Model {
    /// @param isTemplate whether the prompt was written by a chat template, special tokens included
    /// @param onText gets the text piece by piece
    void answer(String prompt, boolean isTemplate, Consumer<String> onText);
  }

  private final Optional<ChatTemplate> template;
  private final Model model;
  private final List<Map<String, String>> messages = new ArrayList<>();
  private String system;

  /// @param system what the model is told beforehand; may be empty
  public Conversation(Optional<ChatTemplate> template, Model model, String system) {
    this.template = template;
    this.model = model;
    this.system = system;
  }

  /// Forgets all but what the model is told beforehand.
  public void clear() {
    messages.clear();
  }

  /// Tells the model something else beforehand, and begins anew.
  public void system(String text) {
    system = text;
    clear();
  }

  /// Asks the model. What it has said until then stays when it is stopped; a question that fails is forgotten.
  ///
  /// @param onPart gets thoughts and the answer piece by piece
  public void ask(String text, Consumer<ReplyPart> onPart) {
    messages.add(message("user", text));
    var answer = new StringBuilder();
    try {
      String prompt = prompt();
      if (template.isPresent()) {
        var parser = template.get().reply(prompt);
        Consumer<ReplyPart> both = part -> {
          if (part instanceof ReplyPart.Answer(String words)) {
            answer.append(words);
          }
          onPart.accept(part);
        };
        model.answer(prompt, true, piece -> parser.add(piece).forEach(both));
        parser.end().forEach(both);
      } else {
        model.answer(prompt, false, piece -> {
          answer.append(piece);
          onPart.accept(new ReplyPart.Answer(piece));
        });
      }
    } catch (RuntimeException e) {
      messages.removeLast();
      throw e;
    }
    messages.add(message("assistant", answer.toString()));
  }

  private String prompt() {
    if (template.isPresent()) {
      var all = new ArrayList<>(messages);
      if (!system.isEmpty()) {
        all.addFirst(message("system", system));
      }
      return template.get().render(all);
    }
    var text = new StringBuilder(system);
    messages.forEach(m -> text.append(m.get("content")));
    return text.toString();
  }

  private static Map<String, String> message(String role, String content) {
    return Map.of("role", role, "content", content);
  }
}
