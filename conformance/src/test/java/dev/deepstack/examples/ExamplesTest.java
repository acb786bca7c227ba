package dev.deepstack.examples;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.tensor.HostTensor;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/// Examples do what their texts say.
final class ExamplesTest {
  private static final Path ROOT = Files.exists(Path.of("models")) ? Path.of("") : Path.of("..");

  @Test
  void readmeTextExampleContinuesThePrompt() {
    assertThat(ReadmeExamples.text(ROOT.resolve("models/demo")).text()).startsWith("\nAh, what's the wall");
  }

  @Test
  void readmeTensorExampleRuns() {
    HostTensor y = ReadmeExamples.tensors(ROOT.resolve("bench/models/transformer.pt2"), new float[64]);
    assertThat(y.shape()).containsExactly(1, 64);
  }

  @Test
  void tinyComputesItsLayer() {
    float[] y = Tiny.run(HostTensor.of(new float[] {1, 2}, 1, 2)).toFloats();
    assertThat(y[0]).isCloseTo(1.7310586f, org.assertj.core.data.Offset.offset(1e-6f));
    assertThat(y[1]).isCloseTo(1.7615942f, org.assertj.core.data.Offset.offset(1e-6f));
    assertThat(Tiny.layer().toString()).contains("%2 = linear %0, %1, _ : f32[rows,2]");
  }
}
