package dev.deepstack.text;

/// A tokenizer that cannot be used (broken or with a part we do not support), or a token id or option it does
/// not know. The message is one sentence: what is wrong and where.
public final class TokenizerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public TokenizerException(String message) {
    super(message);
  }

  public TokenizerException(String message, Throwable cause) {
    super(message, cause);
  }
}
