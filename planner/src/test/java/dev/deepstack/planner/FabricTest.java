package dev.deepstack.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.planner.device.Fabric;
import dev.deepstack.planner.device.Placement;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.testkit.Gen;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Links and experts.
final class FabricTest {
  @Test
  void oneDeviceExchangesNothingWhateverJoinsIt() {
    for (String kind : List.of("fullmesh", "switch", "torus", "fattree")) {
      Fabric f = Fabric.parse("x:" + kind + " 1 @ 100");
      assertThat(f.exchange(1e9)).isZero();
      assertThat(f.reduce(1e9)).isZero();
    }
  }

  @Test
  void equalAxesMayBeTurned() {
    Gen.forSeeds(100, gen -> {
      int n = gen.intIn(2, 8);
      int m = gen.intIn(2, 8);
      String kind = gen.pick(List.of("fullmesh", "switch", "torus"));
      String a = String.format(Locale.ROOT, "a:%s %d @ 100; b:%s %d @ 100", kind, n, kind, m);
      String b = String.format(Locale.ROOT, "q:%s %d @ 100; r:%s %d @ 100", kind, m, kind, n);
      assertThat(Fabric.parse(a).exchange(1e9)).isCloseTo(Fabric.parse(b).exchange(1e9), within(1e-12));
    });
  }

  /// Routes every message of a full mesh along its axes in order and counts what each link carries.
  @Test
  void linkLoadsOfMeshesAreThoseOfEveryMessage() {
    for (int[] sizes : new int[][] {{2, 2}, {3, 2}, {4, 4}, {2, 3, 4}, {4, 4, 4}}) {
      var text = new StringBuilder();
      for (int i = 0; i < sizes.length; i++) {
        text.append("l").append(i).append(":fullmesh ").append(sizes[i]).append(" @ 100;");
      }
      Fabric f = Fabric.parse(text.toString());
      int total = f.size();
      double bytes = 1000;
      double[][] load = new double[sizes.length][];
      double[] sent = new double[sizes.length];
      for (int axis = 0; axis < sizes.length; axis++) {
        load[axis] = new double[total * sizes[axis]];
      }
      for (int from = 0; from < total; from++) {
        for (int to = 0; to < total; to++) {
          int at = from;
          int stride = 1;
          for (int axis = 0; axis < sizes.length; axis++) {
            int mine = at / stride % sizes[axis];
            int wanted = to / stride % sizes[axis];
            if (mine != wanted) {
              load[axis][at * sizes[axis] + wanted] += bytes / total;
              sent[axis] += bytes / total;
              at += (wanted - mine) * stride;
            }
            stride *= sizes[axis];
          }
        }
      }
      List<Double> loads = f.loads(bytes);
      for (int axis = 0; axis < sizes.length; axis++) {
        assertThat(Arrays.stream(load[axis]).max().orElse(0)).isCloseTo(loads.get(axis), within(1e-6));
        // The sum over all links is bytes times hops.
        assertThat(sent[axis]).isCloseTo(loads.get(axis) * total * (sizes[axis] - 1), within(1e-6 * total * bytes));
      }
    }
  }

  @Test
  void fewerLinksAndLessRateAreNeverFaster() {
    Gen.forSeeds(100, gen -> {
      int n = gen.intIn(3, 16);
      double rate = gen.doubleIn(10, 500);
      String whole = String.format(Locale.ROOT, "a:fullmesh %d @ %.1f", n, rate);
      assertThat(Fabric.parse(whole + " failed 1").exchange(1e9)).isGreaterThanOrEqualTo(
          Fabric.parse(whole).exchange(1e9));
      assertThat(Fabric.parse(String.format(Locale.ROOT, "a:fattree %d @ %.1f over 2", n, rate)).exchange(1e9))
          .isGreaterThan(Fabric.parse(String.format(Locale.ROOT, "a:fattree %d @ %.1f", n, rate)).exchange(1e9));
    });
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "nonsense", "a:ring 4 @ 10", "a:switch 0 @ 10", "a:switch 4 @ 0",
      "a:switch 4 @ 10 over 0.5"})
  void refusesWhatIsNoFabric(String text) {
    assertThatThrownBy(() -> Fabric.parse(text)).isInstanceOf(InvalidInputException.class);
  }

  @Test
  void greedyPlacementBeatsOrderAndChance() {
    Gen.forSeeds(60, gen -> {
      int ranks = gen.pick(List.of(2, 4, 8));
      double[] load = load(gen, ranks * gen.intIn(2, 8));
      Placement best = Placement.best(load, ranks, 0, 2);
      assertThat(best.worstRank()).isLessThanOrEqualTo(Placement.plain(load, ranks, 2).worstRank() + 1e-9);
      assertThat(best.worstRank()).isLessThanOrEqualTo(Placement.random(load, ranks, 2, 7).worstRank() + 1e-9);
      assertThat(best.worstRank()).isGreaterThanOrEqualTo(1 - 1e-9);
      int[] seen = new int[load.length];
      best.ranks().forEach(r -> r.forEach(e -> seen[e]++));
      assertThat(Arrays.stream(seen).min().orElse(0)).isEqualTo(1);
    });
  }

  @Test
  void replicasNeverRaiseTheWorstLoad() {
    Gen.forSeeds(60, gen -> {
      int ranks = gen.pick(List.of(2, 4, 8));
      double[] load = load(gen, ranks * gen.intIn(2, 8));
      assertThat(Placement.best(load, ranks, ranks, 2).worstRank())
          .isLessThanOrEqualTo(Placement.best(load, ranks, 0, 2).worstRank() + 1e-9);
    });
  }

  /// All placements of few experts, by brute force.
  @Test
  void placementIsNearTheBestThereIs() {
    Gen.forSeeds(40, gen -> {
      double[] load = load(gen, 6);
      double best = Double.POSITIVE_INFINITY;
      for (int mask = 0; mask < 64; mask++) {
        if (Integer.bitCount(mask) == 3) {
          double left = 0;
          for (int e = 0; e < 6; e++) {
            left += (mask >> e & 1) * load[e];
          }
          double all = Arrays.stream(load).sum();
          best = Math.min(best, Math.max(left, all - left) * 2 / all);
        }
      }
      assertThat(Placement.best(load, 2, 0, 2).worstRank()).isLessThanOrEqualTo(best * 1.05);
    });
  }

  private static double[] load(Gen gen, int experts) {
    double[] load = new double[experts];
    Arrays.setAll(load, _ -> Math.exp(gen.doubleIn(0, 3)));
    return load;
  }

  @Test
  void expertsThatDoNotDivideAreRefused() {
    assertThatThrownBy(() -> Placement.best(new double[7], 2, 0, 1)).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("divisor");
    assertThat(Collections.emptyList()).isEmpty();
  }
}
