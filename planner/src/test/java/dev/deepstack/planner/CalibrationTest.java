package dev.deepstack.planner;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.planner.cost.Constants;
import dev.deepstack.planner.device.DeviceCatalog;
import dev.deepstack.planner.evidence.AccuracyPage;
import dev.deepstack.planner.evidence.Calibration;
import dev.deepstack.planner.evidence.Calibrator;
import dev.deepstack.planner.evidence.Estimator;
import dev.deepstack.planner.evidence.Evidence;
import dev.deepstack.planner.evidence.Point;
import dev.deepstack.planner.evidence.PointReader;
import dev.deepstack.planner.evidence.Scorer;
import dev.deepstack.planner.model.Catalog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/// The shipped calibration comes out of the shipped points, and is no better than it says.
final class CalibrationTest {
  private final List<Point> points = PointReader.standard();

  @Test
  void shippedConstantsAndTheirPageComeOutOfTheShippedPoints() throws IOException {
    var calibrator = new Calibrator(Catalog.standard(), DeviceCatalog.standard(), points);
    assertThat(calibrator.calibration().json()).isEqualTo(Calibration.standard().json());
    // Surefire runs in the module's folder, an editor perhaps in the whole checkout's.
    Path page = Path.of("docs/planner-accuracy.md");
    String text = Files.readString(Files.exists(page) ? page : Path.of("..").resolve(page));
    int end = text.indexOf(AccuracyPage.AFTER);
    assertThat(text.substring(0, end)).isEqualTo(AccuracyPage.page(calibrator, calibrator.calibration()));
  }

  @Test
  void hasEightSharedConstantsAndTwoPerDevice() {
    assertThat(Constants.Shared.all()).hasSize(8);
    assertThat(Calibration.standard().constants().device().values()).allMatch(v -> v.length == 2);
  }

  /// The targets of the specification are for points that nobody here has; this keeps what was reached with points
  /// left out.
  @Test
  void scoresTheShippedPointsWithoutTheirOwnHelp() {
    var estimator = new Estimator(Catalog.standard(), DeviceCatalog.standard(), Calibration.standard());
    Scorer.Report r = Scorer.score(points, estimator);
    assertThat(r.coverage()).isEqualTo(1);
    assertThat(error(r, "tpot")).isLessThan(0.08);
    assertThat(error(r, "prefill")).isLessThan(0.15);
    assertThat(error(r, "system")).isLessThan(0.20);
    assertThat(error(r, "ttft")).isLessThan(0.18);
    assertThat(error(r, "training")).isLessThan(0.13);
    assertThat(r.hitRate()).isBetween(0.75, 0.88);
    assertThat(r.winners()).isGreaterThan(0.9);
  }

  private static double error(Scorer.Report r, String kind) {
    return java.util.Objects.requireNonNull(r.byKind().get(kind)).median();
  }

  @Test
  void onePointMovesOthersSmoothly() {
    Calibration c = Calibration.standard();
    List<Evidence.Measured> moved = c.evidence().measured().stream().map(m -> m.id().startsWith("inf-197")
        ? new Evidence.Measured(m.id(), m.family(), m.place(), m.residual() + 0.01, m.trust()) : m).toList();
    var other = new Calibration(c.constants(), new Evidence(moved), c.quantiles(), c.leftOut(), c.sources());
    var unmoved = new Estimator(Catalog.standard(), DeviceCatalog.standard(), c);
    var shifted = new Estimator(Catalog.standard(), DeviceCatalog.standard(), other);
    for (Point p : points) {
      if (!p.isTraining() && p.phase().equals("e2e") && !p.score().isEmpty()) {
        var before = answers(unmoved, p);
        var after = answers(shifted, p);
        before.forEach((k, v) -> assertThat(Math.abs(Math.log(after.getOrDefault(k, v) / v))).isLessThan(0.02));
      }
    }
  }

  private static Map<String, Double> answers(Estimator e, Point p) {
    var map = new java.util.TreeMap<String, Double>();
    e.answers(p).forEach(a -> a.values().forEach((k, v) -> map.put(k, v.value())));
    return map;
  }

  @Test
  void intervalsWidenWithDistance() {
    Evidence e = Calibration.standard().evidence();
    Evidence.Place near = e.measured().getFirst().place();
    var far = new Evidence.Place(near.kind(), "another", "none", "another", "Nobody", "own", "2", "e2e", 1e6, 1e6, 0,
        0);
    assertThat(e.at(far).spread()).isGreaterThan(e.at(near).spread() * 1.5);
    assertThat(e.at(far).shift()).isCloseTo(0, org.assertj.core.data.Offset.offset(0.05));
  }

  @Test
  void aModelDescribedNowhereIsRefusedApart() {
    var mapper = tools.jackson.databind.json.JsonMapper.shared();
    var file = mapper.readTree("""
        {"points": [{"id": "x-1", "family": "x", "model": "nobody-knows", "device": "h200-sxm", "device_count": 8,
          "phase": "decode", "parallelism": {"tp": 8}, "concurrency": 4, "kv_len": 2048,
          "metrics": {"tpot_ms": 10}, "score": ["tpot_ms"], "confidence": "high"},
         {"id": "x-2", "family": "x", "model": "mine", "device": "h200-sxm", "device_count": 8,
          "phase": "decode", "parallelism": {"tp": 8}, "concurrency": 4, "kv_len": 2048,
          "metrics": {"tpot_ms": 10}, "score": ["tpot_ms"], "confidence": "high"}],
         "models": {"mine": {"model_type": "llama", "hidden_size": 4096, "num_hidden_layers": 32,
          "num_attention_heads": 32, "num_key_value_heads": 8, "intermediate_size": 14336, "vocab_size": 128256,
          "max_position_embeddings": 8192}}}
        """);
    Catalog models = Catalog.standard().with(file.path("models"));
    Scorer.Report r = Scorer.score(PointReader.read(file, "x"),
        new Estimator(models, DeviceCatalog.standard(), Calibration.standard()));
    assertThat(r.coverage()).isEqualTo(1);
    assertThat(r.refused()).singleElement().matches(Scorer.Refused::unknownModel);
    assertThat(r.rows()).singleElement().matches(row -> row.error() < 1);
  }
}
