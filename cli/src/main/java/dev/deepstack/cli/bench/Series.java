package dev.deepstack.cli.bench;

import java.util.ArrayList;
import java.util.List;

/// Rates of many short pieces of the same work.
final class Series {
  private final List<Double> rates = new ArrayList<>();

  void add(double perSecond) {
    rates.add(perSecond * 1e-9);
  }

  KernelBench.Rate rate() {
    var sorted = rates.stream().sorted().toList();
    return new KernelBench.Rate(
        sorted.get(sorted.size() * 95 / 100), sorted.get(sorted.size() / 2));
  }
}
