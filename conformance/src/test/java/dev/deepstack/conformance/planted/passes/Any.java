package dev.deepstack.conformance.planted.passes;

/// Something to import.
public final class Any {
  private Any() {}
}
