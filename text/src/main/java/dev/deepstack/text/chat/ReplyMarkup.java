package dev.deepstack.text.chat;

import java.util.List;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/// The marks that a model puts into its replies.
///
/// @param callsBegin what opens a block of calls, or an empty string for a model without
/// @param callsEnd what closes it
/// @param reader gives the calls in the text between the two; throws nothing, and gives null for text that is no call
record ReplyMarkup(String callsBegin, String callsEnd, Function<String, @Nullable List<ReplyPart>> reader) {
  static final String THINK = "<think>";
  static final String THINK_END = "</think>";

  /// Thoughts only.
  static final ReplyMarkup PLAIN = new ReplyMarkup("", "", _ -> null);

  /// `<tool_call>…</tool_call>` around one call in any of three forms: `{"name": …, "arguments": …}` of Hermes and
  /// Qwen, `<function=…>` of Qwen3-Coder, and a name before `<arg_key>` of GLM-4.5.
  static final ReplyMarkup TAGGED_CALLS = new ReplyMarkup("<tool_call>", "</tool_call>", CallReader::tagged);

  /// DeepSeek's V3, R1 and V3.1: tokens around each call.
  static final ReplyMarkup TOKEN_CALLS =
      new ReplyMarkup("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>", CallReader::tokens);

  /// DeepSeek's V3.2 (`function_calls`) and V4 (`tool_calls`): elements in a markup of their own.
  static ReplyMarkup dsml(String element) {
    var name = DeepSeekText.DSML + element;
    return new ReplyMarkup("<" + name + ">", "</" + name + ">", CallReader::dsml);
  }

  @Nullable List<ReplyPart> calls(String block) {
    return reader.apply(block);
  }
}
