package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.gguf.GgufDecoder;
import dev.deepstack.importer.gguf.GgufFile;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Safetensors;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Random models in every GGUF architecture and format, against the logits that llama.cpp gives for them: recorded by
/// fixtures/gguf/make.py.
class GgufDecodersTest {
  private static final Path FOLDER = Path.of("fixtures", "gguf");
  /// f32 against f32: sums in another order, and rotary angles that llama.cpp multiplies up.
  private static final double EXACT = 2e-3;
  /// llama.cpp rounds activations to 8 bits (to bf16, f16 beside such weights): the part of a logit's spread that may
  /// go astray on average.
  private static final double ROUNDED = 0.04;

  static Stream<String> models() throws IOException {
    try (var files = Files.list(FOLDER)) {
      return files.map(f -> f.getFileName().toString()).filter(n -> n.endsWith(".gguf")).sorted().toList().stream();
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void logitsAreThoseOfLlamaCpp(String name) {
    try (var arena = Arena.ofConfined()) {
      Map<String, HostTensor> golden = Safetensors.read(FOLDER.resolve(name.replace(".gguf", ".safetensors")), arena);
      // llama.cpp ran with room for the whole context, which matters to LongRoPE.
      ImportedDecoder decoder = GgufDecoder.read(GgufFile.open(FOLDER.resolve(name), arena)).forContext(128);
      long[] prompt = golden(golden, "input_ids").toLongs();
      long[] greedy = golden(golden, "greedy_ids").toLongs();
      var model = new ReferenceDecoder(decoder, prompt.length + greedy.length, arena);
      float[][] logits = model.step(prompt);
      float[][] expected = ReferenceDecoder.rows(golden(golden, "logits"));
      for (int i = 0; i < expected.length; i++) {
        for (int j = 0; j < expected[i].length; j++) {
          assertThat(Math.abs(logits[i][j] - expected[i][j])).as("logit " + j + " of token " + i + ": " + logits[i][j]
              + ", not " + expected[i][j]).isLessThan((float) EXACT);
        }
      }
      assertThat(distance(logits, ReferenceDecoder.rows(golden(golden, "stored_logits")))).isLessThan(ROUNDED);
      float[] last = logits[logits.length - 1];
      for (long token : greedy) {
        assertThat(ReferenceDecoder.greedy(last)).isEqualTo((int) token);
        last = model.step(token)[0];
      }
    }
  }

  /// Root of the mean square of differences, as a part of the expected values' spread.
  private static double distance(float[][] actual, float[][] expected) {
    double off = 0;
    double square = 0;
    for (int i = 0; i < expected.length; i++) {
      for (int j = 0; j < expected[i].length; j++) {
        off += Math.pow(actual[i][j] - expected[i][j], 2);
        square += Math.pow(expected[i][j], 2);
      }
    }
    return Math.sqrt(off / square);
  }

  private static HostTensor golden(Map<String, HostTensor> golden, String name) {
    return Objects.requireNonNull(golden.get(name), name);
  }
}
