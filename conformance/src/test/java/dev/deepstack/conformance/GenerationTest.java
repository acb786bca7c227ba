package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/// Text generation on every form of language model: any length, one token a call, at least two, transformers' names.
final class GenerationTest {
  private static final Path FIXTURES = Checkout.ROOT.resolve("conformance/fixtures");
  private static final int NEW_TOKENS = 6;

  @ParameterizedTest
  @CsvSource({"pt2/llama_kv,24", "pt2/llama_kv_decode,24", "pt2/hf_llama,16", "more/hf_llama_dyn,0"})
  void cachesGiveWhatTheWholeSequenceGives(String folder, int context) {
    var options = new LoadOptions(1, "avx2", false, _ -> {});
    try (var model = Model.load(FIXTURES.resolve(folder).resolve("model.pt2"), options)) {
      var generator = model.generator();
      if (context > 0) {
        assertThat(generator.contextMax()).isEqualTo(context);
      }
      int[] prompt = {3, 1, 4};
      int[] generated = generator.generate(prompt, GenerationOptions.greedy(NEW_TOKENS)).tokenIds();
      assertThat(generated).hasSize(NEW_TOKENS);
      for (int n = 0; n < NEW_TOKENS; n++) {
        int[] whole = Arrays.copyOf(prompt, prompt.length + n);
        System.arraycopy(generated, 0, whole, prompt.length, n);
        assertThat(generated[n]).as("token %d", n).isEqualTo(afterAll(model, whole));
      }
      int[] tooLong = new int[Math.toIntExact(generator.contextMax())];
      assertThatThrownBy(() -> generator.generate(tooLong, GenerationOptions.greedy(1)))
          .isInstanceOf(InvalidInputException.class).hasMessageContaining("context");
    }
  }

  /// The likeliest token after a sequence that is fed from the beginning, in one call where the model takes many.
  private static int afterAll(Model model, int[] ids) {
    model.reset();
    var ports = model.inputs();
    int tokens = ports.get(0).type().rank() == 2 ? 0 : 1;
    boolean many = !ports.get(tokens).type().dim(1).isConstant();
    int chunk = many ? ids.length : 1;
    HostTensor logits = HostTensor.zeros(dev.deepstack.tensor.DType.F32, 1, 1, 1);
    for (int at = 0; at < ids.length; at += chunk) {
      long[] part = Arrays.stream(ids, at, at + chunk).asLongStream().toArray();
      long[] places = java.util.stream.LongStream.range(at, at + chunk).toArray();
      logits = model.run(Map.of(ports.get(tokens).name(), HostTensor.of(part, 1, chunk),
          ports.get(1 - tokens).name(), HostTensor.of(places, chunk))).firstEntry().getValue();
    }
    int vocab = (int) logits.shape()[2];
    float[] last = Arrays.copyOfRange(logits.toFloats(), (chunk - 1) * vocab, chunk * vocab);
    int best = 0;
    for (int i = 1; i < vocab; i++) {
      best = last[i] > last[best] ? i : best;
    }
    return best;
  }
}
