package dev.deepstack.conformance.planted.importer;

/// Something to import.
public final class Any {
  private Any() {}
}
