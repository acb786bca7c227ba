package dev.deepstack.planner.evidence;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// Whether predictions put things into the right order.
final class Ranks {
  private Ranks() {}

  /// A share and how many it was taken of.
  record Pairs(double share, int count) {}

  /// What is compared with each other: values of one metric.
  private record Group(String of, String metric) {}

  /// Pairs of devices on one model and workload: in how many the right one wins.
  static Pairs winners(List<Scorer.Row> rows, double tie) {
    var groups = new LinkedHashMap<Group, List<Scorer.Row>>();
    for (Scorer.Row r : rows) {
      Point p = r.point();
      for (String metric : r.values().keySet()) {
        String load = p.isTraining() ? "training" : p.phase() + "|" + p.input() + "|" + p.output() + "|" + p.context()
            + "|" + Scenario.given(p) + "|" + p.concurrency() + "|" + p.batchPerDevice() + "|" + p.drafts();
        groups.computeIfAbsent(new Group(p.model() + "|" + load, metric), _ -> new ArrayList<>()).add(r);
      }
    }
    int right = 0;
    int count = 0;
    for (Map.Entry<Group, List<Scorer.Row>> e : groups.entrySet()) {
      String metric = e.getKey().metric();
      List<Scorer.Row> list = e.getValue();
      for (int i = 0; i < list.size(); i++) {
        for (int j = i + 1; j < list.size(); j++) {
          Point a = list.get(i).point();
          Point b = list.get(j).point();
          double published = Math.log(a.metric(metric) / b.metric(metric));
          if (a.device().equals(b.device()) || Math.abs(published) < tie) {
            continue;
          }
          double predicted = Math.log(value(list.get(i), metric) / value(list.get(j), metric));
          count++;
          right += published * predicted > 0 ? 1 : 0;
        }
      }
    }
    return new Pairs(count == 0 ? Double.NaN : right / (double) count, count);
  }

  /// Kendall's tau, averaged over sweeps of three points and more.
  static Pairs sweeps(List<Scorer.Row> rows) {
    var groups = new LinkedHashMap<Group, List<Scorer.Row>>();
    for (Scorer.Row r : rows) {
      for (String metric : r.values().keySet()) {
        groups.computeIfAbsent(new Group(r.point().family(), metric), _ -> new ArrayList<>()).add(r);
      }
    }
    double sum = 0;
    int sweeps = 0;
    for (Map.Entry<Group, List<Scorer.Row>> e : groups.entrySet()) {
      String metric = e.getKey().metric();
      List<Scorer.Row> list = e.getValue();
      int pairs = 0;
      int balance = 0;
      for (int i = 0; i < list.size(); i++) {
        for (int j = i + 1; j < list.size(); j++) {
          double published = list.get(i).point().metric(metric) - list.get(j).point().metric(metric);
          double predicted = value(list.get(i), metric) - value(list.get(j), metric);
          if (published != 0) {
            pairs++;
            balance += published * predicted > 0 ? 1 : -1;
          }
        }
      }
      if (list.size() >= 3 && pairs > 0) {
        sum += balance / (double) pairs;
        sweeps++;
      }
    }
    return new Pairs(sweeps == 0 ? Double.NaN : sum / sweeps, sweeps);
  }

  private static double value(Scorer.Row r, String metric) {
    return java.util.Objects.requireNonNull(r.values().get(metric)).value();
  }
}
