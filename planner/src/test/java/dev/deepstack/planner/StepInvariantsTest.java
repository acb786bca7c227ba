package dev.deepstack.planner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.planner.cost.Conditions;
import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.cost.StepModel;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Attention;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.Feed;
import dev.deepstack.planner.model.Layer;
import dev.deepstack.planner.model.ModelShape;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.testkit.Gen;
import java.util.List;
import org.junit.jupiter.api.Test;

/// What holds for any step of any model on any device.
final class StepInvariantsTest {
  private static final double ROUNDING = 1 + 1e-9;
  private static final List<String> MODELS = List.of("deepseek-v3", "deepseek-v3.2", "deepseek-v4-flash",
      "qwen3-235b-a22b", "gpt-oss-120b", "qwen3.5-397b-a17b", "longcat-flash-560b", "llama-3.1-405b");
  private static final List<String> DEVICES = List.of("ascend-950pr", "ascend-950dt", "ascend-910c", "h100-sxm",
      "h200-sxm", "b200-sxm", "gb300-nvl72", "mi355x");
  private static final List<String> PRECISIONS = List.of("FP8", "BF16", "W8A8", "NVFP4",
      "moe MXFP4, other weights MXFP8");

  private final Catalog models = Catalog.standard();
  private final DeviceCatalog devices = DeviceCatalog.standard();
  private final Constants constants = Calibration.standard().constants();

  /// A random setup that can be varied.
  private record Setup(ModelShape model, Device device, Layout layout, Precision precision, Conditions conditions,
      Constants constants) {
    StepModel step() {
      return new StepModel(model, device, layout, precision, conditions, constants);
    }

    Setup with(Device other) {
      return new Setup(model, other, layout, precision, conditions, constants);
    }

    Setup with(Conditions other) {
      return new Setup(model, device, layout, precision, other, constants);
    }
  }

  private Setup setup(Gen gen) {
    ModelShape model = models.get(gen.pick(MODELS));
    boolean routed = model.layers().stream().anyMatch(l -> l.feed().routed());
    int n = 1 << gen.intIn(0, 7);
    int tp = 1 << gen.intIn(0, Math.min(4, Integer.numberOfTrailingZeros(n)));
    Layout layout = !routed ? new Layout(Math.min(n, 16), 1, Math.min(n, 16), 1, 1)
        : gen.coin() && n <= 16 ? new Layout(n, 1, n, 1, 1) : new Layout(tp, n / tp, 1, n, 1);
    int drafts = gen.intIn(0, 3);
    var conditions = new Conditions(gen.coin(), gen.coin(), gen.coin(), drafts, drafts * gen.doubleIn(0, 1), 0, false,
        gen.coin());
    return new Setup(model, devices.get(gen.pick(DEVICES)).rank(), layout, Precision.parse(gen.pick(PRECISIONS)),
        conditions, constants);
  }

  private static double batch(Gen gen) {
    return Math.exp(gen.doubleIn(0, 8));
  }

  private static double context(Gen gen) {
    return Math.exp(gen.doubleIn(4, 13));
  }

  @Test
  void isNeverFasterThanTheRoofline() {
    Gen.forSeeds(300, gen -> {
      Setup s = setup(gen);
      double batch = batch(gen);
      double time = s.step().decode(batch, context(gen)).total();
      double touched = 0;
      double flops = 0;
      for (Layer l : s.model().layers()) {
        Feed f = l.feed();
        double tokens = batch * (1 + s.conditions().drafts());
        touched += l.count() * (f.touched(tokens) * f.expertWeights() * s.precision().expertBytes()
            / (s.layout().ep() * s.layout().moeTp()));
        flops += l.count() * 2 * tokens * f.active() * f.expertWeights() / (s.layout().ep() * s.layout().moeTp());
      }
      assertThat(time).isGreaterThanOrEqualTo(touched / s.device().bandwidth());
      assertThat(time).isGreaterThanOrEqualTo(flops / s.device().peak(s.precision().expertMath()));
    });
  }

  @Test
  void betterHardwareNeverSlowsAStep() {
    Gen.forSeeds(300, gen -> {
      Setup s = setup(gen);
      double batch = batch(gen);
      double context = context(gen);
      double before = s.step().decode(batch, context).total();
      double prompt = s.step().prefill(4096, 4096, 0).total();
      double more = gen.doubleIn(1, 3);
      for (Device better : List.of(s.device().scaled(1, more, 1), s.device().scaled(1, 1, more),
          s.device().withLinks(s.device().scaleUp(), s.device().scaleUpRate() * more, s.device().scaleUpLatency(),
              s.device().scaleOutRate()),
          s.device().withLinks(s.device().scaleUp(), s.device().scaleUpRate(), s.device().scaleUpLatency() / more,
              s.device().scaleOutRate() * more))) {
        assertThat(s.with(better).step().decode(batch, context).total()).isLessThanOrEqualTo(before * ROUNDING);
        assertThat(s.with(better).step().prefill(4096, 4096, 0).total()).isLessThanOrEqualTo(prompt * ROUNDING);
      }
    });
  }

  @Test
  void growsWithBatchAndContext() {
    Gen.forSeeds(300, gen -> {
      Setup s = setup(gen);
      double batch = batch(gen);
      double context = context(gen);
      double more = gen.doubleIn(1, 2);
      double before = s.step().decode(batch, context).total();
      assertThat(s.step().decode(batch * more, context).total()).isGreaterThanOrEqualTo(before / ROUNDING);
      assertThat(s.step().decode(batch, context * more).total()).isGreaterThanOrEqualTo(before / ROUNDING);
      assertThat(s.step().prefill(4096 * more, 4096 * more, 0).total())
          .isGreaterThanOrEqualTo(s.step().prefill(4096, 4096, 0).total() / ROUNDING);
      assertThat(s.step().cacheBytes(context * more)).isGreaterThanOrEqualTo(s.step().cacheBytes(context));
      assertThat(s.step().workBytes(4096 * more)).isGreaterThanOrEqualTo(s.step().workBytes(4096));
      assertThat(s.step().batchMax(context * more, 8192)).isLessThanOrEqualTo(s.step().batchMax(context, 8192));
    });
  }

  @Test
  void touchesExpertsBetweenTheFewestAndAll() {
    Gen.forSeeds(500, gen -> {
      int experts = gen.intIn(1, 512);
      int k = gen.intIn(1, experts);
      Feed f = Feed.routed(experts, k, 1024, 0, 4096);
      double tokens = Math.exp(gen.doubleIn(0, 12));
      double touched = f.touched(tokens);
      assertThat(touched).isGreaterThanOrEqualTo(Math.min(experts, k) / ROUNDING)
          .isLessThanOrEqualTo(Math.min(experts, tokens * k) * ROUNDING);
      assertThat(f.touched(tokens * 2)).isGreaterThanOrEqualTo(touched / ROUNDING);
      double spread = gen.doubleIn(0, 2);
      assertThat(f.touched(tokens, spread)).isBetween(f.touched(1, spread) / ROUNDING, touched * ROUNDING);
      assertThat(f.touched(tokens * 2, spread)).isGreaterThanOrEqualTo(f.touched(tokens, spread) / ROUNDING);
      assertThat(f.touched(1e9)).isCloseTo(experts, org.assertj.core.data.Offset.offset(1e-6));
      assertThat(Feed.routed(experts, experts, 1024, 0, 4096).touched(1)).isGreaterThanOrEqualTo(experts / ROUNDING);
    });
  }

  @Test
  void oneRankExchangesNothing() {
    Gen.forSeeds(50, gen -> {
      Setup s = setup(gen);
      var alone = new StepModel(s.model(), s.device(), Layout.ONE, s.precision(), s.conditions(), constants);
      assertThat(alone.decode(batch(gen), context(gen)).exchange()).isZero();
      assertThat(alone.prefill(2048, 2048, 0).exchange()).isZero();
    });
  }

  @Test
  void evenExpertsAreNeverSlower() {
    Gen.forSeeds(200, gen -> {
      Setup s = setup(gen);
      Conditions c = s.conditions();
      var even = new Conditions(c.served(), true, c.overlap(), c.drafts(), c.accepted(), 0, false, c.young());
      var uneven = new Conditions(c.served(), false, c.overlap(), c.drafts(), c.accepted(), 0, false, c.young());
      double batch = batch(gen);
      assertThat(s.with(even).step().decode(batch, 4096).total())
          .isLessThanOrEqualTo(s.with(uneven).step().decode(batch, 4096).total() * ROUNDING);
      assertThat(s.with(even).step().prefill(8192, 4096, 0).total())
          .isLessThanOrEqualTo(s.with(uneven).step().prefill(8192, 4096, 0).total() * ROUNDING);
    });
  }

  @Test
  void draftingPaysOnlyWhenTokensAreKept() {
    Gen.forSeeds(200, gen -> {
      Setup s = setup(gen);
      Conditions c = s.conditions();
      double batch = batch(gen);
      double context = context(gen);
      int drafts = gen.intIn(1, 4);
      double low = gen.doubleIn(0, drafts);
      double high = gen.doubleIn(low, drafts);
      double plain = perToken(s.with(drafting(c, 0, high)), batch, context);
      assertThat(perToken(s.with(drafting(c, drafts, 0)), batch, context)).isGreaterThanOrEqualTo(plain / ROUNDING);
      assertThat(perToken(s.with(drafting(c, drafts, high)), batch, context))
          .isLessThanOrEqualTo(perToken(s.with(drafting(c, drafts, low)), batch, context) * ROUNDING);
      assertThat(plain).isEqualTo(perToken(s.with(drafting(c, 0, low)), batch, context));
    });
  }

  private static Conditions drafting(Conditions c, int drafts, double accepted) {
    return new Conditions(c.served(), c.balanced(), c.overlap(), drafts, accepted, 0, false, c.young());
  }

  private static double perToken(Setup s, double batch, double context) {
    return s.step().decode(batch, context).total() / s.conditions().tokensPerStep();
  }

  @Test
  void attentionSeesNoMoreThanItsWindow() {
    Gen.forSeeds(200, gen -> {
      int window = gen.intIn(1, 4096);
      var a = new Attention.Grouped(4096, 32, 8, 128, window, false);
      double context = context(gen);
      assertThat(a.read(context)).isLessThanOrEqualTo(a.cachedPerToken() * window);
      assertThat(a.prefillFlops(context, 0)).isLessThanOrEqualTo(
          new Attention.Grouped(4096, 32, 8, 128, 0, false).prefillFlops(context, 0) * ROUNDING);
    });
  }
}
