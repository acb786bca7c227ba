package dev.deepstack.tensor;

/// Values a symbol may take, both ends included. `Long.MAX_VALUE` means unbounded.
public record DimRange(long min, long max) {
  public boolean contains(long value) {
    return value >= min && value <= max;
  }

  public boolean isBounded() {
    return max != Long.MAX_VALUE;
  }
}
