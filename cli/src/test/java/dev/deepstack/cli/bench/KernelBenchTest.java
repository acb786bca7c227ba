package dev.deepstack.cli.bench;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.cli.bench.KernelBench.Rate;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class KernelBenchTest {
  private static final KernelBench.Result RESULT =
      new KernelBench.Result(
          "x86-64-v4",
          2,
          new Rate(40, 38, 1),
          Map.of("f32", new Rate(36, 35, 0.92)),
          new Rate(200, 190, 1),
          Map.of("f32", new Rate(180.04, 170, 0.894)));

  @Test
  void reportsRatesAsJson() {
    assertThat(RESULT.json())
        .isEqualTo(
            Map.of(
                "read_gb_s",
                40.0,
                "gemv_gb_s",
                Map.of("f32", 36.0),
                "fma_gflop_s",
                200.0,
                "gemm_gflop_s",
                Map.of("f32", 180.0),
                "gemv_share",
                Map.of("f32", 0.92),
                "gemm_share",
                Map.of("f32", 0.89)));
  }

  @Test
  void showsSharesOfTheLimitThatBinds() {
    assertThat(RESULT.table().lines())
        .anyMatch(line -> line.startsWith("GEMV 4096x4096 f32") && line.endsWith(" 92 %"))
        .anyMatch(line -> line.startsWith("GEMM") && line.endsWith(" 89 %"));
  }

  @Test
  void takesPercentilesOfASeries() {
    var series = new Series();
    for (int i = 1; i <= 100; i++) {
      series.add(i * 1e9);
    }
    assertThat(series.rate()).isEqualTo(new Rate(96, 51, 1));
  }

  @Test
  void sharesAreOfTheLimitOfTheirMoment() {
    var series = new Series();
    for (double speed : new double[] {1, 2, 1, 2, 2}) {
      series.add(speed * 0.9e9, speed);
    }
    assertThat(series.rate().share()).isEqualTo(0.9);
  }

  @Test
  void runsEveryThreadOncePerPiece() {
    var runs = new AtomicLong();
    try (var together = new Together(3)) {
      for (int i = 0; i < 100; i++) {
        assertThat(together.time(thread -> runs.addAndGet(1L << (20 * thread)))).isPositive();
      }
      assertThat(runs.get()).isEqualTo(100 + (100L << 20) + (100L << 40));
      assertThatThrownBy(
              () ->
                  together.time(
                      thread -> {
                        if (thread == 1) {
                          throw new ArithmeticException("no");
                        }
                      }))
          .hasRootCauseMessage("no");
    }
  }
}
