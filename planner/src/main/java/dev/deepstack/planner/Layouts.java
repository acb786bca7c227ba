package dev.deepstack.planner;

import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.model.Attention;
import dev.deepstack.planner.model.Feed;
import dev.deepstack.planner.model.Layer;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.List;

/// The ways to spread a model that need no padding.
final class Layouts {
  private static final int TP_MAX = 16;
  private static final int INSTANCE_MAX = 512;

  private Layouts() {}

  /// All layouts whose instances fill `ranks` ranks without a remainder.
  static List<Layout> legal(ModelShape model, int ranks, Device rank) {
    var list = new ArrayList<Layout>();
    if (rank.host()) {
      return List.of(Layout.ONE);
    }
    boolean routed = model.layers().stream().anyMatch(l -> l.feed().routed());
    for (int n = 1; n <= Math.min(ranks, INSTANCE_MAX); n++) {
      if (ranks % n != 0) {
        continue;
      }
      for (int pp : new int[] {1, 2, 4}) {
        if (n % pp != 0 || pp > 1 && n / pp < rank.scaleUp() && n > 1 && n / pp * pp <= rank.scaleUp()) {
          continue;
        }
        stages(model, n / pp, pp, routed, list);
      }
    }
    return list;
  }

  private static void stages(ModelShape model, int stage, int pp, boolean routed, List<Layout> list) {
    for (int tp = 1; tp <= Math.min(stage, TP_MAX); tp *= 2) {
      if (stage % tp != 0 || !heads(model, tp)) {
        continue;
      }
      int dp = stage / tp;
      if (!routed) {
        if (dp == 1) {
          list.add(new Layout(tp, 1, tp, 1, pp));
        }
        continue;
      }
      if (experts(model, stage)) {
        list.add(new Layout(tp, dp, 1, stage, pp));
      }
      if (dp == 1 && tp > 1 && inner(model, tp)) {
        list.add(new Layout(tp, 1, tp, 1, pp));
      }
      if (stage == 1) {
        return;
      }
    }
  }

  private static boolean heads(ModelShape model, int tp) {
    return model.layers().stream().map(Layer::attention).allMatch(a -> a.heads() % tp == 0
        && (a.cacheHeads() % tp == 0 || tp % a.cacheHeads() == 0));
  }

  private static boolean experts(ModelShape model, int ep) {
    return model.layers().stream().map(Layer::feed).filter(Feed::routed).allMatch(f -> f.experts() % ep == 0);
  }

  private static boolean inner(ModelShape model, int tp) {
    return model.layers().stream().map(Layer::feed).filter(Feed::routed).allMatch(f -> f.inner() % tp == 0);
  }

  /// Checks widths that a user gives.
  ///
  /// @throws InvalidInputException naming the nearest widths that divide
  static void check(ModelShape model, Layout layout) {
    if (!heads(model, layout.tp())) {
      int heads = model.layers().stream().map(Layer::attention).mapToInt(Attention::heads).max().orElse(1);
      throw new InvalidInputException("tp " + layout.tp() + " does not divide the " + heads + " heads of "
          + model.name() + "; the nearest width that does is " + nearest(heads, layout.tp()));
    }
    if (layout.ep() > 1 && !experts(model, layout.ep())) {
      int experts = model.layers().stream().map(Layer::feed).mapToInt(Feed::experts).max().orElse(1);
      throw new InvalidInputException("ep " + layout.ep() + " does not divide the " + experts + " experts of "
          + model.name() + "; the nearest width that does is " + nearest(experts, layout.ep()));
    }
  }

  private static int nearest(int of, int width) {
    int best = 1;
    for (int d = 1; d <= of; d++) {
      if (of % d == 0 && Math.abs(d - width) < Math.abs(best - width)) {
        best = d;
      }
    }
    return best;
  }
}
