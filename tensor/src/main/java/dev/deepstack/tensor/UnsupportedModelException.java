package dev.deepstack.tensor;

/// The file is valid but uses something DeepStack lacks; the message lists everything that is missing.
public final class UnsupportedModelException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public UnsupportedModelException(String message) {
    super(message);
  }

  public UnsupportedModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
