package dev.deepstack.planner.device;

import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/// Which rank holds which experts, so that neither a rank nor a link is busier than it must be.
///
/// @param ranks expert of each slot, by rank; an expert may have several slots
/// @param worstRank load of the busiest rank, 1 being an equal share
/// @param worstLink load between the parts of the outermost level, the busiest over the mean
public record Placement(List<List<Integer>> ranks, double worstRank, double worstLink) {
  /// Copies the lists.
  public Placement {
    ranks = ranks.stream().map(List::copyOf).toList();
  }

  /// Slots in all, so that every rank has as many as the fullest.
  public int slots() {
    return ranks.size() * ranks.stream().mapToInt(List::size).max().orElse(0);
  }

  /// Experts dealt out in order.
  public static Placement plain(double[] load, int ranks, int parts) {
    check(load, ranks, 0);
    var lists = empty(ranks);
    int each = load.length / ranks;
    for (int e = 0; e < load.length; e++) {
      lists.get(Math.min(ranks - 1, e / each)).add(e);
    }
    return judged(lists, load, parts);
  }

  /// Experts at random.
  public static Placement random(double[] load, int ranks, int parts, long seed) {
    check(load, ranks, 0);
    var random = new SplittableRandom(seed);
    int[] order = new int[load.length];
    Arrays.setAll(order, i -> i);
    for (int i = order.length - 1; i > 0; i--) {
      int j = random.nextInt(i + 1);
      int other = order[i];
      order[i] = order[j];
      order[j] = other;
    }
    var lists = empty(ranks);
    for (int i = 0; i < order.length; i++) {
      lists.get(i % ranks).add(order[i]);
    }
    return judged(lists, load, parts);
  }

  /// `spare` more slots for the busiest experts, then the heaviest slot to the idlest rank that has room, then swaps
  /// while they help.
  ///
  /// @param load tokens of each expert
  /// @param parts equal parts of the ranks whose links to each other are the scarce ones
  public static Placement best(double[] load, int ranks, int spare, int parts) {
    check(load, ranks, spare);
    Placement with = filled(load, ranks, spare, parts);
    Placement without = spare == 0 ? with : filled(load, ranks, 0, parts);
    return with.worstRank() <= without.worstRank() ? with : without;
  }

  private static Placement filled(double[] load, int ranks, int spare, int parts) {
    int slots = load.length + spare;
    int[] copies = new int[load.length];
    Arrays.fill(copies, 1);
    for (int i = 0; i < spare; i++) {
      int top = 0;
      for (int e = 1; e < load.length; e++) {
        if (load[e] / copies[e] > load[top] / copies[top] && copies[e] < ranks || copies[top] >= ranks) {
          top = e;
        }
      }
      copies[top]++;
    }
    var order = new ArrayList<Integer>();
    for (int e = 0; e < load.length; e++) {
      for (int i = 0; i < copies[e]; i++) {
        order.add(e);
      }
    }
    order.sort((a, b) -> {
      int byLoad = Double.compare(load[b] / copies[b], load[a] / copies[a]);
      return byLoad != 0 ? byLoad : Integer.compare(a, b);
    });
    int room = (slots + ranks - 1) / ranks;
    var lists = empty(ranks);
    double[] sum = new double[ranks];
    double[] part = new double[parts];
    for (int e : order) {
      int to = -1;
      for (int r = 0; r < ranks; r++) {
        boolean fits = lists.get(r).size() < room && !lists.get(r).contains(e);
        if (fits && (to < 0 || sum[r] + 1e-6 * part[r * parts / ranks] < sum[to] + 1e-6 * part[to * parts / ranks])) {
          to = r;
        }
      }
      if (to < 0) {
        // Only ranks that hold this expert have room: one of their lists takes it in spite of that.
        to = 0;
        for (int r = 1; r < ranks; r++) {
          to = lists.get(r).size() < lists.get(to).size() ? r : to;
        }
      }
      lists.get(to).add(e);
      sum[to] += load[e] / copies[e];
      part[to * parts / ranks] += load[e] / copies[e];
    }
    swap(lists, sum, load, copies);
    return judged(lists, load, parts);
  }

  private static void swap(List<List<Integer>> lists, double[] sum, double[] load, int[] copies) {
    for (int round = 0; round < 200; round++) {
      int high = 0;
      for (int r = 1; r < sum.length; r++) {
        high = sum[r] > sum[high] ? r : high;
      }
      double gain = 1e-9;
      int[] move = null;
      for (int r = 0; r < sum.length; r++) {
        for (int i = 0; r != high && i < lists.get(high).size(); i++) {
          for (int j = 0; j < lists.get(r).size(); j++) {
            int a = lists.get(high).get(i);
            int b = lists.get(r).get(j);
            double d = load[a] / copies[a] - load[b] / copies[b];
            double after = Math.max(sum[high] - d, sum[r] + d);
            if (sum[high] - after > gain && !lists.get(r).contains(a) && !lists.get(high).contains(b)) {
              gain = sum[high] - after;
              move = new int[] {r, i, j};
            }
          }
        }
      }
      if (move == null) {
        return;
      }
      int a = lists.get(high).get(move[1]);
      int b = lists.get(move[0]).get(move[2]);
      lists.get(high).set(move[1], b);
      lists.get(move[0]).set(move[2], a);
      double d = load[a] / copies[a] - load[b] / copies[b];
      sum[high] -= d;
      sum[move[0]] += d;
    }
  }

  private static Placement judged(List<List<Integer>> lists, double[] load, int parts) {
    int[] copies = new int[load.length];
    lists.forEach(l -> l.forEach(e -> copies[e]++));
    double total = Arrays.stream(load).sum();
    double worst = 0;
    double[] part = new double[parts];
    for (int r = 0; r < lists.size(); r++) {
      double sum = 0;
      for (int e : lists.get(r)) {
        sum += load[e] / copies[e];
      }
      worst = Math.max(worst, sum);
      part[r * parts / lists.size()] += sum;
    }
    double link = Arrays.stream(part).max().orElse(0);
    return new Placement(lists, total == 0 ? 1 : worst * lists.size() / total, total == 0 ? 1 : link * parts / total);
  }

  private static List<List<Integer>> empty(int ranks) {
    var lists = new ArrayList<List<Integer>>();
    for (int r = 0; r < ranks; r++) {
      lists.add(new ArrayList<>());
    }
    return lists;
  }

  private static void check(double[] load, int ranks, int spare) {
    if (ranks < 1 || load.length % ranks != 0) {
      throw new InvalidInputException(load.length + " experts cannot be shared out equally to " + ranks
          + " ranks; take a divisor of " + load.length);
    }
    if (spare < 0 || spare > load.length * ranks) {
      throw new InvalidInputException("there cannot be " + spare + " spare slots for experts");
    }
    for (double l : load) {
      if (!(l >= 0)) {
        throw new InvalidInputException("the load of an expert is a number from 0 on");
      }
    }
  }
}
