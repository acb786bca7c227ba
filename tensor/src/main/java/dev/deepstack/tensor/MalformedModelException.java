package dev.deepstack.tensor;

/// The file is broken: what is wrong, where, and what to do next, in one sentence.
public final class MalformedModelException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public MalformedModelException(String message) {
    super(message);
  }

  public MalformedModelException(String message, Throwable cause) {
    super(message, cause);
  }
}
