package dev.deepstack.importer.aten;

/// One node cannot be lowered; the message says which part of it. Never leaves the package: [Missing]
/// collects them.
final class Refusal extends RuntimeException {
  private static final long serialVersionUID = 1;

  Refusal(String message) {
    super(message);
  }
}
