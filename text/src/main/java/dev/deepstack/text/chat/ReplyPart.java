package dev.deepstack.text.chat;

/// A part of what a model writes.
public sealed interface ReplyPart {
  /// Text of the answer.
  record Answer(String text) implements ReplyPart {}

  /// Text of the thoughts before the answer.
  record Reasoning(String text) implements ReplyPart {}

  /// A call of a tool, complete.
  ///
  /// @param arguments JSON, as the model wrote it
  record ToolCall(String name, String arguments) implements ReplyPart {}
}
