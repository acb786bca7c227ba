package dev.deepstack.ir;

/// A broken graph: always a bug of ours (or of hand-written IR text), never of a model file.
public final class IrException extends RuntimeException {
  private static final long serialVersionUID = 1;

  public IrException(String message) {
    super(message);
  }
}
