package dev.deepstack.text;

/// Decodes a stream of tokens. The pieces of text it returns, put together, are what [Tokenizer#decode] would
/// return for all tokens at once; no piece ends inside a character. For one stream and one thread.
///
/// {@snippet :
/// var decoder = tokenizer.incrementalDecoder();
/// for (int id : ids) { out.print(decoder.add(id)); }
/// out.print(decoder.flush());
/// }
public final class IncrementalDecoder {
  private final Tokenizer tokenizer;
  private final SpecialTokens specialTokens;
  private final StringBuilder ready = new StringBuilder();
  private DecoderStage first;

  IncrementalDecoder(Tokenizer tokenizer, SpecialTokens specialTokens) {
    this.tokenizer = tokenizer;
    this.specialTokens = specialTokens;
    this.first = tokenizer.decoder().open(new DecoderStage.Collector(ready));
  }

  /// The text that this token completes, often empty.
  ///
  /// @throws TokenizerException if the tokenizer has no such token
  public String add(int id) {
    accept(id);
    return take();
  }

  /// The rest of the text, with U+FFFD for a character left half done. The decoder is then ready for a new
  /// stream.
  public String flush() {
    first.end();
    first = tokenizer.decoder().open(new DecoderStage.Collector(ready));
    return take();
  }

  void accept(int id) {
    var token = tokenizer.token(id);
    if (specialTokens == SpecialTokens.SHOWN || !tokenizer.isSpecial(id)) {
      first.text(token);
      first.endToken();
    }
  }

  private String take() {
    var text = ready.toString();
    ready.setLength(0);
    return text;
  }
}
