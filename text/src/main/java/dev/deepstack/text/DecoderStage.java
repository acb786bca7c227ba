package dev.deepstack.text;

/// One step of decoding, fed token by token and passing on what can no longer change.
/// A stage that works on whole tokens waits for their end; the others pass text on at once.
interface DecoderStage {
  /// More text of the current token.
  void text(String part);

  /// The current token is complete.
  void endToken();

  /// No more tokens.
  void end();

  /// The last stage: collects the text.
  record Collector(StringBuilder out) implements DecoderStage {
    @Override
    public void text(String part) {
      out.append(part);
    }

    @Override
    public void endToken() {}

    @Override
    public void end() {}
  }
}
