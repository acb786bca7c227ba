package dev.deepstack.text.chat;

import java.util.List;
import org.jspecify.annotations.Nullable;

/// The marks that a model puts into its replies. How calls are written between `callsBegin` and `callsEnd` is
/// known to the implementation.
sealed interface ReplyMarkup {
  String THINK = "<think>";
  String THINK_END = "</think>";

  /// What opens a block of calls, or an empty string for a model without.
  String callsBegin();

  /// What closes it.
  String callsEnd();

  /// Reads the calls out of the text between the two; throws nothing, and gives null for text that is no call.
  @Nullable List<ReplyPart> calls(String block);

  /// Thoughts only.
  record Plain() implements ReplyMarkup {
    @Override
    public String callsBegin() {
      return "";
    }

    @Override
    public String callsEnd() {
      return "";
    }

    @Override
    public @Nullable List<ReplyPart> calls(String block) {
      return null;
    }
  }

  /// `<tool_call>{"name": …, "arguments": …}</tool_call>`, as Hermes and Qwen write.
  record JsonCalls() implements ReplyMarkup {
    @Override
    public String callsBegin() {
      return "<tool_call>";
    }

    @Override
    public String callsEnd() {
      return "</tool_call>";
    }

    @Override
    public @Nullable List<ReplyPart> calls(String block) {
      return CallReader.json(block);
    }
  }

  /// DeepSeek's V3, R1 and V3.1: tokens around each call.
  record TokenCalls() implements ReplyMarkup {
    @Override
    public String callsBegin() {
      return "<｜tool▁calls▁begin｜>";
    }

    @Override
    public String callsEnd() {
      return "<｜tool▁calls▁end｜>";
    }

    @Override
    public @Nullable List<ReplyPart> calls(String block) {
      return CallReader.tokens(block);
    }
  }

  /// DeepSeek's V3.2 (`function_calls`) and V4 (`tool_calls`): elements in a markup of their own.
  record Dsml(String element) implements ReplyMarkup {
    @Override
    public String callsBegin() {
      return "<｜DSML｜" + element + ">";
    }

    @Override
    public String callsEnd() {
      return "</｜DSML｜" + element + ">";
    }

    @Override
    public @Nullable List<ReplyPart> calls(String block) {
      return CallReader.dsml(block);
    }
  }
}
