package dev.deepstack.tensor;

/// The caller gave wrong inputs or options: wrong shape, dtype, count, range or name.
public final class InvalidInputException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public InvalidInputException(String message) {
    super(message);
  }

  public InvalidInputException(String message, Throwable cause) {
    super(message, cause);
  }
}
