package dev.deepstack.planner.evidence;

/// Small dense systems.
final class Linear {
  private Linear() {}

  /// Solves `a x = b` for an augmented matrix `[a|b]`, which is overwritten.
  static double[] solve(double[][] a) {
    int n = a.length;
    for (int c = 0; c < n; c++) {
      int pivot = c;
      for (int r = c + 1; r < n; r++) {
        if (Math.abs(a[r][c]) > Math.abs(a[pivot][c])) {
          pivot = r;
        }
      }
      double[] row = a[pivot];
      a[pivot] = a[c];
      a[c] = row;
      for (int r = c + 1; r < n; r++) {
        double f = a[r][c] / row[c];
        if (f != 0) {
          for (int k = c; k <= n; k++) {
            a[r][k] -= f * row[k];
          }
        }
      }
    }
    double[] x = new double[n];
    for (int r = n - 1; r >= 0; r--) {
      double sum = a[r][n];
      for (int k = r + 1; k < n; k++) {
        sum -= a[r][k] * x[k];
      }
      x[r] = sum / a[r][r];
    }
    return x;
  }
}
