package dev.deepstack.cli.verify;

import dev.deepstack.tensor.HostTensor;
import java.util.Arrays;

/// How far one tensor is from another.
///
/// @param error largest absolute difference of finite elements
/// @param excess largest difference as a multiple of what is allowed; above 1 is wrong
/// @param text the worst element, or why the tensors cannot be compared
public record Difference(double error, double excess, String text) {
  static final Difference NONE = new Difference(0, 0, "equal");

  /// Compares with `|actual - expected| <= atol + rtol * |expected|`. Integers and booleans must be equal,
  /// and so must infinities; NaN equals NaN.
  public static Difference between(HostTensor actual, HostTensor expected, double atol, double rtol) {
    if (actual.dtype() != expected.dtype() || !Arrays.equals(actual.shape(), expected.shape())) {
      return new Difference(Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY,
          "is " + actual + ", not " + expected);
    }
    boolean exact = !expected.dtype().isFloat();
    Difference worst = NONE;
    for (long i = 0; i < expected.elements(); i++) {
      double a = actual.getDouble(i);
      double b = expected.getDouble(i);
      boolean equal = exact
          ? actual.getLong(i) == expected.getLong(i)
          : a == b || Double.isNaN(a) && Double.isNaN(b);
      if (equal) {
        continue;
      }
      double error = Math.abs(a - b);
      boolean comparable = !exact && Double.isFinite(a) && Double.isFinite(b);
      double excess = comparable ? error / (atol + rtol * Math.abs(b)) : Double.POSITIVE_INFINITY;
      if (excess > worst.excess()) {
        worst = new Difference(Math.max(error, worst.error()), excess, "element " + i + " is " + a
            + ", not " + b);
      } else if (error > worst.error()) {
        worst = new Difference(error, worst.excess(), worst.text());
      }
    }
    return worst;
  }
}
