package dev.deepstack.planner;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.planner.cost.Layout;
import dev.deepstack.planner.device.Device;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.device.ExpertLoad;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.model.Catalog;
import dev.deepstack.planner.model.ConfigReader;
import dev.deepstack.planner.model.Precision;
import dev.deepstack.planner.report.Claims;
import dev.deepstack.planner.report.HtmlReport;
import dev.deepstack.planner.report.JsonReport;
import dev.deepstack.planner.report.Money;
import dev.deepstack.planner.report.PlanSet;
import dev.deepstack.planner.report.TextReport;
import dev.deepstack.planner.train.TrainingPlan;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.MalformedModelException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.json.JsonMapper;

/// Plans, refusals and their faces.
final class PlannerTest {
  private final Planner planner = Planner.standard();
  private final Catalog models = Catalog.standard();
  private final DeviceCatalog devices = DeviceCatalog.standard();

  private PlanRequest ask(String model, String device, int count, String slo) {
    return PlanRequest.of(models.get(model), devices.get(device), count, 4096, 512,
        slo.isEmpty() ? Slo.NONE : Slo.parse(slo));
  }

  @Test
  void answersTheSameToTheBit() {
    PlanRequest q = ask("deepseek-v4-flash", "ascend-950pr", 16, "ttft=2s,tpot=50ms");
    assertThat(planner.plan(q)).isEqualTo(Planner.standard().plan(q));
  }

  @Test
  void looserTargetsAndMoreDevicesAreNeverWorse() {
    double tight = output(planner.plan(ask("deepseek-v3", "h200-sxm", 16, "ttft=2s,tpot=30ms")));
    double loose = output(planner.plan(ask("deepseek-v3", "h200-sxm", 16, "ttft=4s,tpot=60ms")));
    double more = output(planner.plan(ask("deepseek-v3", "h200-sxm", 32, "ttft=2s,tpot=30ms")));
    assertThat(loose).isGreaterThanOrEqualTo(tight);
    assertThat(more).isGreaterThanOrEqualTo(tight);
  }

  private static double output(Plan p) {
    return Objects.requireNonNull(p.best()).output().value();
  }

  @Test
  void frontHasNoPlanThatAnotherBeats() {
    List<Plan.Choice> front = planner.plan(ask("deepseek-v4-flash", "h200-sxm", 8, "")).front();
    assertThat(front).hasSizeGreaterThan(5);
    for (Plan.Choice c : front) {
      assertThat(c.tpot().low()).isLessThan(c.tpot().value());
      assertThat(c.tpot().high()).isGreaterThan(c.tpot().value());
      assertThat(c.memory().share()).isLessThanOrEqualTo(1);
    }
  }

  @Test
  void saysHowManyDevicesAModelTakes() {
    Plan p = planner.plan(ask("deepseek-v3", "h100-sxm", 8, ""));
    assertThat(p.best()).isNull();
    assertThat(p.refusal()).contains("does not fit 8 x h100-sxm").contains("the nearest plan takes 16 devices");
  }

  @Test
  void saysWhatComesNearestToTheTargets() {
    Plan p = planner.plan(ask("deepseek-v3", "h200-sxm", 8, "tpot=100us"));
    assertThat(p.best()).isNull();
    assertThat(p.refusal()).contains("the nearest is").contains("TPOT");
  }

  @Test
  void refusesWithTheNearestThatThereIs() {
    assertThatThrownBy(() -> devices.get("h300")).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("h100-sxm");
    assertThatThrownBy(() -> devices.get("h200-sxm:gold")).isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> models.get("deepsek-v3")).hasMessageContaining("deepseek-v3");
    var fp8 = new PlanRequest(models.get("deepseek-v3"), devices.get("ascend-910c"), 32, 1024, 128, 0, Double.NaN,
        Double.NaN, Slo.NONE, Precision.parse("FP8"), 0, 0.7, false, null, "sglang", null);
    assertThatThrownBy(() -> planner.plan(fp8)).hasMessageContaining("W8A8");
    assertThatThrownBy(() -> planner.price(ask("deepseek-v3", "h200-sxm", 8, ""), new Layout(7, 1, 7, 1, 1), 8))
        .hasMessageContaining("nearest width that does is 8");
    assertThatThrownBy(() -> planner.price(ask("deepseek-v3", "h200-sxm", 6, ""), new Layout(1, 6, 1, 6, 1), 8))
        .hasMessageContaining("experts");
    assertThatThrownBy(() -> planner.price(ask("deepseek-v3", "h200-sxm", 8, ""), new Layout(1, 16, 1, 16, 1), 8))
        .hasMessageContaining("the nearest plan takes 16 devices");
    assertThatThrownBy(() -> TrainingPlan.best(models.get("deepseek-v3"), devices.get("ascend-910c"), 512, 4096, 4096,
        "fp8", Calibration.standard())).hasMessageContaining("bf16");
  }

  @ParameterizedTest
  @ValueSource(strings = {"ttft", "ttft=2", "tpot=-5ms", "speed=2s", "ttft=fast", "tpot=0ms"})
  void refusesTargetsThatAreNone(String text) {
    assertThatThrownBy(() -> Slo.parse(text)).isInstanceOf(InvalidInputException.class);
  }

  @Test
  void refusesAbsurdNumbers() {
    assertThatThrownBy(() -> ask("deepseek-v3", "h200-sxm", 0, "")).isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> PlanRequest.of(models.get("deepseek-v3"), devices.get("h200-sxm"), 8, -1, 5, Slo.NONE))
        .isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> PlanRequest.of(models.get("deepseek-v3"), devices.get("h200-sxm"), 8, 1 << 30, 5,
        Slo.NONE)).isInstanceOf(InvalidInputException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"{}", "{\"devices\": {\"x\": {}}}",
      "{\"devices\": {\"x\": {\"memory\": {\"capacity_gb\": -1, \"bandwidth_tb_s\": 1}}}}",
      "{\"devices\": {\"x\": {\"memory\": {\"capacity_gb\": 80, \"bandwidth_tb_s\": 1}}}}",
      "{\"devices\": {\"x\": {\"memory\": {\"capacity_gb\": 80, \"bandwidth_tb_s\": \"fast\"}, "
          + "\"peak_dense_tflops\": {\"bf16\": 1}}}}"})
  void refusesBrokenDeviceFiles(String json) {
    assertThatThrownBy(() -> devices.with(JsonMapper.shared().readTree(json), "mine.json"))
        .isInstanceOf(MalformedModelException.class);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[]", "{\"hidden_size\": 5}", "{\"total_b\": -3}",
      "{\"hidden_size\": 1e30, \"num_hidden_layers\": 2, \"num_attention_heads\": 2}"})
  void refusesBrokenModels(String json) {
    assertThatThrownBy(() -> ConfigReader.read("broken", JsonMapper.shared().readTree(json)))
        .isInstanceOf(MalformedModelException.class);
  }

  @Test
  void ownDevicesPlanLikeOthers() {
    var file = JsonMapper.shared().readTree("""
        {"devices": {"mine": {"vendor": "Me", "name": "Mine", "memory": {"capacity_gb": 512, "bandwidth_tb_s": 5},
          "peak_dense_tflops": {"bf16": 900, "fp8": 1800}, "scale_up": {"domain_size": 8,
          "bw_gb_s_per_device_unidirectional": 400}}}}""");
    Device mine = devices.with(file, "mine.json").get("mine");
    assertThat(planner.plan(PlanRequest.of(models.get("deepseek-v3"), mine, 8, 1024, 128, Slo.NONE)).best())
        .isNotNull();
  }

  @Test
  void weightsOfKnownModelsAddUp() {
    Map<String, Double> billions = Map.of("deepseek-v3", 671.0, "deepseek-v4-flash", 284.0, "deepseek-v4-pro", 1590.0,
        "qwen3-235b-a22b", 235.0, "gpt-oss-120b", 117.0, "llama-3.1-405b", 405.0, "glm-5", 744.0);
    billions.forEach((name, b) -> assertThat(models.get(name).weights() / 1e9).as(name).isCloseTo(b, within(b * 0.02)));
  }

  @Test
  @SuppressWarnings("unchecked")
  void facesSayTheSame() {
    Plan plan = planner.plan(ask("deepseek-v4-flash", "h200-sxm", 8, "ttft=2s,tpot=50ms"));
    var set = new PlanSet(List.of(plan), new Money("rental_3yr", Map.of()), "deepstack plan …");
    var plans = (List<Object>) Objects.requireNonNull(JsonReport.of(set).get("plans"));
    var json = (Map<String, Object>) plans.getFirst();
    var best = (Map<String, Object>) Objects.requireNonNull(json.get("best"));
    double tpot = ((List<Double>) Objects.requireNonNull(best.get("tpot_s"))).getFirst();
    assertThat(TextReport.of(set)).contains(String.format(Locale.ROOT, "%.1f", tpot * 1e3)).contains(set.verdict());
    String html = HtmlReport.of(set, Claims.check("", models, devices, Calibration.standard()));
    assertThat(html).contains("<svg").contains("Measured nearby").doesNotContain("http://www").doesNotContain("src=");
  }

  @Test
  void moneyAndEnergyAreLinear() {
    assertThat(Money.perMillion(4, 8, 1000)).isEqualTo(2 * Money.perMillion(2, 8, 1000));
    assertThat(Money.perMillion(3.6, 1, 1000)).isCloseTo(1, within(1e-12));
    Device d = devices.get("h200-sxm");
    assertThat(Money.power(d, 1)).isGreaterThan(Money.power(d, 0.5));
  }

  @Test
  void claimsHaveVerdictsAndAPriceThatWouldMakeThemTrue() {
    List<Claims.Claim> claims = Claims.check("", models, devices, Calibration.standard());
    assertThat(claims).hasSizeGreaterThanOrEqualTo(3);
    assertThat(Claims.check("process", models, devices, Calibration.standard()).getFirst().verdict())
        .isEqualTo("contradicted");
    assertThat(Claims.check("training-cost", models, devices, Calibration.standard()).getFirst().computed())
        .anyMatch(line -> line.contains("the claim needs at most"));
    assertThatThrownBy(() -> Claims.check("x", models, devices, Calibration.standard()))
        .isInstanceOf(InvalidInputException.class);
  }

  @Test
  void goodputFallsWithSize() {
    assertThat(TrainingPlan.goodput(1000)).isGreaterThan(TrainingPlan.goodput(100_000)).isLessThan(1);
  }

  @Test
  void plansWithExpertsWhereTheyAreBestPlaced() {
    var even = new ArrayList<Double>();
    var skewed = new ArrayList<Double>();
    for (int i = 0; i < 256; i++) {
      even.add(1.0);
      skewed.add(1.0 / (1 + i));
    }
    PlanRequest q = ask("deepseek-v3", "h200-sxm", 32, "tpot=60ms");
    var layout = new Layout(1, 32, 1, 32, 1);
    double best = planner.price(q.withExperts(new ExpertLoad(even, 0)), layout, 4096).step().total();
    var uneven = planner.price(q.withExperts(new ExpertLoad(skewed, 0)), layout, 4096);
    var spared = planner.price(q.withExperts(new ExpertLoad(skewed, 32)), layout, 4096);
    assertThat(uneven.step().total()).isGreaterThan(best);
    assertThat(spared.step().total()).isBetween(best, uneven.step().total());
    assertThat(spared.memory().weights()).isGreaterThan(uneven.memory().weights());
    Plan plan = planner.plan(q.withExperts(new ExpertLoad(skewed, 32)));
    assertThat(plan.front()).anyMatch(c -> c.placement() != null && c.placement().ranks().size() == c.layout().ep());
    assertThatThrownBy(() -> q.withExperts(new ExpertLoad(List.of(1.0, 2.0), 0))).hasMessageContaining("256");
    assertThatThrownBy(() -> new ExpertLoad(List.of(1.0, -2.0), 0)).isInstanceOf(InvalidInputException.class);
  }
}
