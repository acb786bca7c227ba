package dev.deepstack.conformance.planted.util;

/// Breaks two laws.
public final class Drawer {
  static int things;

  private Drawer() {}
}
