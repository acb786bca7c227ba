package dev.deepstack.testkit;

/// Comparison of numbers within a tolerance: `|actual - expected| <= atol + rtol * |expected|`.
///
/// Equal infinities agree, and NaN agrees with NaN only.
public final class Close {
  private Close() {}

  /// Checks every element.
  ///
  /// @throws AssertionError naming how many elements differ, the first of them and the worst of them
  public static void assertClose(double[] expected, double[] actual, double atol, double rtol) {
    if (expected.length != actual.length) {
      throw new AssertionError("expected " + expected.length + " elements but got " + actual.length);
    }
    int first = -1;
    int worst = -1;
    int count = 0;
    double worstExcess = 0;
    for (int i = 0; i < expected.length; i++) {
      double excess = excess(expected[i], actual[i], atol, rtol);
      if (excess > 0) {
        count++;
        first = first < 0 ? i : first;
        if (excess > worstExcess) {
          worst = i;
          worstExcess = excess;
        }
      }
    }
    if (count > 0) {
      throw new AssertionError(count + " of " + expected.length + " elements differ (atol " + atol + ", rtol " + rtol
          + ")\n  first " + element(first, expected[first], actual[first])
          + "\n  worst " + element(worst, expected[worst], actual[worst]));
    }
  }

  /// As for doubles; the difference is taken in double precision.
  ///
  /// @throws AssertionError naming how many elements differ, the first of them and the worst of them
  public static void assertClose(float[] expected, float[] actual, double atol, double rtol) {
    assertClose(doubles(expected), doubles(actual), atol, rtol);
  }

  private static double excess(double expected, double actual, double atol, double rtol) {
    if (Double.compare(expected, actual) == 0 || expected == actual) {
      return 0;
    }
    if (!Double.isFinite(expected) || !Double.isFinite(actual)) {
      return Double.POSITIVE_INFINITY;
    }
    return Math.max(0, Math.abs(actual - expected) - atol - rtol * Math.abs(expected));
  }

  private static String element(int index, double expected, double actual) {
    return "[" + index + "]: expected " + expected + ", actual " + actual
        + ", difference " + Math.abs(actual - expected);
  }

  private static double[] doubles(float[] values) {
    var wide = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      wide[i] = values[i];
    }
    return wide;
  }
}
