package dev.deepstack.conformance.planted.codegen.ascend;

/// Something to import.
public final class Any {
  private Any() {}
}
