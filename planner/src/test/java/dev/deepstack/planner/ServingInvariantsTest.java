package dev.deepstack.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.planner.serve.Load;
import dev.deepstack.planner.serve.Queues;
import dev.deepstack.planner.serve.Served;
import dev.deepstack.planner.serve.Serving;
import dev.deepstack.testkit.Gen;
import java.util.List;
import org.junit.jupiter.api.Test;

/// Queues, closed loops and pools.
final class ServingInvariantsTest {
  private final Constants constants = Calibration.standard().constants();

  private StepModel model(Gen gen) {
    Layout layout = gen.pick(List.of(new Layout(8, 1, 8, 1, 1), new Layout(1, 8, 1, 8, 1),
        new Layout(1, 32, 1, 32, 1)));
    return new StepModel(Catalog.standard().get(gen.pick(List.of("deepseek-v3", "deepseek-v4-flash", "kimi-k2"))),
        DeviceCatalog.standard().get("gb300-nvl72"), layout, Precision.parse("FP8"), Conditions.SERVED, constants);
  }

  private static Load load(Gen gen) {
    return new Load(gen.intIn(128, 16_384), gen.intIn(64, 2048), gen.intIn(1, 512), 0, false);
  }

  @Test
  void aClosedLoopNeverServesMoreThanUnloadedRequestsWould() {
    Gen.forSeeds(100, gen -> {
      StepModel m = model(gen);
      Load load = load(gen);
      Served s = Serving.shared(m, 1, load, constants);
      double alone = Serving.prompt(m, load.input(), 0)
          + load.output() * m.decode(1, load.context()).total() / m.conditions().tokensPerStep();
      assertThat(s.requests()).isLessThanOrEqualTo(load.concurrency() / alone * 1.001);
      assertThat(s.ttft()).isGreaterThanOrEqualTo(s.prefill() * 0.999);
      assertThat(s.utilisation()).isBetween(0.0, 1.0);
    });
  }

  @Test
  void poolsPassOnWhatTheyGet() {
    Gen.forSeeds(100, gen -> {
      StepModel m = model(gen);
      Load load = load(gen);
      Served s = Serving.split(m, 2, m, 3, load, constants);
      // What decodes is what came in: requests per second times the time that each decodes.
      assertThat(s.running()).isCloseTo(Math.max(Math.min(1, load.concurrency()),
          s.requests() * load.output() * s.tpot()), within(s.running() * 0.02));
      assertThat(s.requests() * s.prefill() / 2 / Math.max(1, m.layout().dp() * 64)).isLessThanOrEqualTo(1);
    });
  }

  @Test
  void cachedPromptsAreNeverSlower() {
    Gen.forSeeds(60, gen -> {
      StepModel m = model(gen);
      Load load = load(gen);
      double hits = gen.doubleIn(0, 0.9);
      assertThat(Serving.prompt(m, load.input(), load.input() * hits))
          .isLessThanOrEqualTo(Serving.prompt(m, load.input(), 0) * 1.001);
    });
  }

  @Test
  void waitingFollowsErlang() {
    Gen.forSeeds(300, gen -> {
      int servers = gen.intIn(1, 64);
      double service = gen.doubleIn(0.01, 10);
      double share = gen.doubleIn(0.01, 0.98);
      double rate = share * servers / service;
      double wait = Queues.wait(rate, service, servers, 1, 1);
      // Little's law: what waits on average is the rate times the wait; Erlang gives it on its own.
      double waiting = Queues.waits(rate * service, servers) * share / (1 - share);
      assertThat(rate * wait).isCloseTo(waiting, within(1e-6 * Math.max(1, waiting)));
      assertThat(Queues.wait(rate * 1.01, service, servers, 1, 1)).isGreaterThanOrEqualTo(wait);
      assertThat(Queues.wait(rate, service, servers, 1, 0)).isCloseTo(wait / 2, within(1e-9 * Math.max(1, wait)));
    });
    assertThat(Queues.wait(1e-9, 1, 4, 1, 1)).isCloseTo(0, within(1e-6));
    assertThat(Queues.wait(4, 1, 4, 1, 1)).isInfinite();
    assertThat(Queues.wait(0.5, 1, 1, 1, 1)).isCloseTo(1, within(1e-12));
  }
}
