package dev.deepstack.text.chat;

import java.util.List;
import java.util.Map;

/// Writes a conversation the way a model was taught to read it. Immutable, for any number of threads.
///
/// The text holds the model's special tokens by their spelling, a begin token included where the model has one:
/// encode it without the tokenizer's frame.
public interface ChatTemplate {
  /// @param messages each with `role` and `content`, and whatever else the template reads: plain data as in JSON
  /// @param tools JSON descriptions of the functions the model may call; none for an empty list
  /// @param addGenerationPrompt whether the text ends where the model's answer begins
  /// @param extras further variables of the template (`enable_thinking`, `reasoning_effort`, `documents` …)
  /// @throws dev.deepstack.text.template.TemplateException if the template refuses the conversation
  String render(
      List<? extends Map<String, ?>> messages, List<? extends Map<String, ?>> tools, boolean addGenerationPrompt,
      Map<String, ?> extras);

  /// The prompt for an answer to these messages.
  default String render(List<? extends Map<String, ?>> messages) {
    return render(messages, List.of(), true, Map.of());
  }

  /// How to take apart what the model writes after a prompt.
  ///
  /// @param prompt the text that it continues
  ReplyParser reply(String prompt);
}
