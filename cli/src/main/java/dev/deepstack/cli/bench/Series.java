package dev.deepstack.cli.bench;

import java.util.ArrayList;
import java.util.List;

/// Rates of many short pieces of the same work, each beside that of the limit measured right before it.
final class Series {
  private final List<Double> rates = new ArrayList<>();
  private final List<Double> shares = new ArrayList<>();

  /// @return what was added, in 10^9 per second
  double add(double perSecond) {
    rates.add(perSecond * 1e-9);
    return rates.getLast();
  }

  /// @param limit what the machine did a moment before, in 10^9 per second
  void add(double perSecond, double limit) {
    shares.add(add(perSecond) / limit);
  }

  KernelBench.Rate rate() {
    return new KernelBench.Rate(at(rates, 95), at(rates, 50), shares.isEmpty() ? 1 : at(shares, 50));
  }

  private static double at(List<Double> values, int percent) {
    return values.stream().sorted().toList().get(values.size() * percent / 100);
  }
}
