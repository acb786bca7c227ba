package dev.deepstack.conformance.fuzz;

/// What the fuzzer calls, by the names that it looks for.
public final class Fuzzed {
  private static final Oracle ORACLE = new Oracle();
  private static final Target TARGET = Target.valueOf(System.getProperty("fuzz.target", Target.ZIP.name()));

  private Fuzzed() {}

  /// One input.
  public static void fuzzerTestOneInput(byte[] input) {
    ORACLE.check(TARGET, input);
  }
}
