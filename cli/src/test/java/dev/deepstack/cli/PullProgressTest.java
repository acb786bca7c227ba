package dev.deepstack.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.PrintWriter;
import java.io.StringWriter;
import org.junit.jupiter.api.Test;

final class PullProgressTest {
  private long now;

  @Test
  void saysRateAndTimeLeft() {
    var text = new StringWriter();
    var progress = new PullProgress(new PrintWriter(text), true, () -> now);
    progress.begin(1, 10_000_000_000L, 1_000_000_000L);
    for (int i = 0; i < 10; i++) {
      now += 500_000_000;
      progress.bytes("model.safetensors", 50_000_000);
    }
    assertThat(text.toString()).contains("1.00 GB of it there",
        " 15 %  1.50 GB of 10.00 GB  100.0 MB/s  1 min 25 s left");
    progress.placed("model.safetensors", 10_000_000_000L);
    assertThat(text.toString()).endsWith("\r\033[K  model.safetensors (10.00 GB)" + System.lineSeparator());
  }

  @Test
  void saysLittleToAFile() {
    var text = new StringWriter();
    var progress = new PullProgress(new PrintWriter(text), false, () -> now += 1_000_000_000);
    progress.begin(1, 1000, 0);
    progress.bytes("a", 1000);
    progress.checking("a");
    progress.placed("a", 1000);
    assertThat(text.toString().lines()).containsExactly("deepstack: 1 files to fetch, 1.0 kB", "  a (1.0 kB)");
  }
}
