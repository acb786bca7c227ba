package dev.deepstack.text;

import java.util.Objects;

/// How special tokens take part in encoding.
///
/// @param frame whether the tokens that the tokenizer's template puts around a text (often a begin token) are
///     added
/// @param specialText what a special token's spelling inside the text means
public record EncodeOptions(Frame frame, SpecialText specialText) {
  /// The template's tokens around the text.
  public enum Frame { ADDED, OMITTED }

  /// A special token spelled out in the text: the token itself, or ordinary characters (for text from
  /// strangers).
  public enum SpecialText { RECOGNISED, PLAIN }

  /// What `tokenizers` does by default: frame added, special tokens recognised.
  public static final EncodeOptions DEFAULT = new EncodeOptions(Frame.ADDED, SpecialText.RECOGNISED);

  public EncodeOptions {
    Objects.requireNonNull(frame, "frame");
    Objects.requireNonNull(specialText, "specialText");
  }

  /// The same options with another frame.
  public EncodeOptions with(Frame newFrame) {
    return new EncodeOptions(newFrame, specialText);
  }

  /// The same options with another reading of special tokens in the text.
  public EncodeOptions with(SpecialText newSpecialText) {
    return new EncodeOptions(frame, newSpecialText);
  }
}
