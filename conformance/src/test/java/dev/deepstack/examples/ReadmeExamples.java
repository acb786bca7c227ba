package dev.deepstack.examples;

import dev.deepstack.api.Generation;
import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.Model;
import dev.deepstack.tensor.HostTensor;
import java.nio.file.Path;

/// The Java of the README.
public final class ReadmeExamples {
  private ReadmeExamples() {}

  static Generation text(Path folder) {
    try (var model = Model.load(folder)) {
      Generation answer = model.generator().generate("ROMEO:", GenerationOptions.greedy(64), System.out::print);
      System.out.println(answer.decodeTokensPerSecond() + " tokens/s");
      return answer;
    }
  }

  static HostTensor tensors(Path file, float[] row) {
    try (var model = Model.load(file)) {
      HostTensor y = model.run(HostTensor.of(row, 1, row.length)).firstEntry().getValue();
      return y;
    }
  }
}
