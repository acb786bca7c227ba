package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.api.DecoderOptions;
import dev.deepstack.api.Generation;
import dev.deepstack.api.GenerationOptions;
import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.runtime.batch.Finish;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.Safetensors;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Decoders from their checkpoints, compiled and with paged caches.
final class DecodersTest {
  private static final Path FIXTURES = Checkout.ROOT.resolve("conformance/fixtures");

  private record Golden(int[] prompt, int[] greedy) {
    static Golden read(Path file) {
      try (Arena arena = Arena.ofConfined()) {
        Map<String, HostTensor> tensors = Safetensors.read(file, arena);
        return new Golden(ids(tensors, "input_ids"), ids(tensors, "greedy_ids"));
      }
    }

    private static int[] ids(Map<String, HostTensor> tensors, String name) {
      return Arrays.stream(Objects.requireNonNull(tensors.get(name)).toLongs()).mapToInt(Math::toIntExact).toArray();
    }

    GenerationOptions options() {
      return GenerationOptions.greedy(greedy.length).withoutEnd();
    }
  }

  private static Model load(Path file, DecoderOptions options) {
    return Model.load(file, new LoadOptions(2, "native", true, _ -> {}, options));
  }

  private static DecoderOptions caches(long context, int sequences) {
    return DecoderOptions.standard().withContext(context).withSequences(sequences);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama", "olmoe", "deepseek_v3", "gpt_oss"})
  void saysWhatTransformersSays(String name) {
    Golden golden = Golden.read(FIXTURES.resolve("hf/" + name + "/golden.safetensors"));
    try (Model model = load(FIXTURES.resolve("hf/" + name), caches(96, 3))) {
      var generator = model.generator();
      Generation alone = generator.generate(golden.prompt, golden.options());
      assertThat(alone.tokenIds()).isEqualTo(golden.greedy);
      assertThat(alone.finish()).isEqualTo(Finish.LENGTH);

      // What the caches hold of it serves a prompt that begins alike.
      int[] longer = Arrays.copyOf(golden.prompt, golden.prompt.length + 5);
      System.arraycopy(golden.greedy, 0, longer, golden.prompt.length, 5);
      assertThat(generator.generate(longer, golden.options()).tokenIds()).startsWith(
          Arrays.copyOfRange(golden.greedy, 5, golden.greedy.length));

      List<int[]> prompts = new ArrayList<>();
      for (int cut : new int[] {0, 7, 20}) {
        prompts.add(Arrays.copyOf(golden.prompt, golden.prompt.length - cut));
      }
      var together = generator.together(prompts, golden.options());
      assertThat(together.answers().getFirst().tokenIds()).isEqualTo(golden.greedy);
      for (int i = 1; i < prompts.size(); i++) {
        assertThat(together.answers().get(i).tokenIds()).isEqualTo(
            generator.generate(prompts.get(i), golden.options()).tokenIds());
      }
      assertThat(generator.bytesPerToken(4, 64)).isPositive().isLessThan(generator.bytesPerToken(1, 64));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama-bf16", "qwen3moe"})
  void readsGguf(String name) {
    Golden golden = Golden.read(FIXTURES.resolve("gguf/" + name + ".safetensors"));
    try (Model model = load(FIXTURES.resolve("gguf/" + name + ".gguf"), caches(0, 1))) {
      assertThat(model.generator().generate(golden.prompt, golden.options()).tokenIds()).isEqualTo(golden.greedy);
    }
  }

  @Test
  void endsWhereItMust() {
    Golden golden = Golden.read(FIXTURES.resolve("hf/llama/golden.safetensors"));
    try (Model model = load(FIXTURES.resolve("hf/llama"), caches(60, 1))) {
      var generator = model.generator();
      assertThat(generator.contextMax()).isEqualTo(64);
      Generation full = generator.generate(golden.prompt, GenerationOptions.greedy(1000).withoutEnd());
      assertThat(full.finish()).isEqualTo(Finish.CONTEXT);
      assertThat(full.tokenIds()).isEqualTo(Arrays.copyOf(golden.greedy, 64 - golden.prompt.length));

      var asked = new AtomicInteger();
      Generation cancelled = generator.generate(golden.prompt,
          golden.options().withCancellation(() -> asked.incrementAndGet() > 5));
      assertThat(cancelled.finish()).isEqualTo(Finish.CANCELLED);
      assertThat(cancelled.tokenIds()).isEqualTo(Arrays.copyOf(golden.greedy, 5));

      assertThatThrownBy(() -> generator.generate(new int[64], golden.options()))
          .isInstanceOf(InvalidInputException.class).hasMessageContaining("context is 64");
      assertThatThrownBy(() -> generator.generate("text", golden.options(), _ -> {}))
          .isInstanceOf(InvalidInputException.class).hasMessageContaining("tokenizer");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"bf16", "f16", "q8"})
  void narrowCachesSayAlmostTheSame(String type) {
    Golden golden = Golden.read(FIXTURES.resolve("hf/llama/golden.safetensors"));
    try (Model model = load(FIXTURES.resolve("hf/llama"), new DecoderOptions(96, 1, type, true, true))) {
      assertThat(model.generator().generate(golden.prompt, golden.options()).tokenIds()).startsWith(
          Arrays.copyOf(golden.greedy, 5));
    }
  }

  /// Steps of many tokens round activations to bf16 where weights are.
  @Test
  void longPromptsSayTheSameWithRoundedActivations() {
    Path file = FIXTURES.resolve("hf/llama3_scaled");
    int[] prompt = new Random(5).ints(150, 0, 320).toArray();
    var answers = new ArrayList<int[]>();
    for (boolean exact : new boolean[] {false, true}) {
      try (Model model = load(file, new DecoderOptions(180, 1, "f32", exact, true))) {
        assertThat(model.programs()).hasSize(exact ? 2 : 3);
        answers.add(model.generator().generate(prompt, GenerationOptions.greedy(24).withoutEnd()).tokenIds());
      }
    }
    assertThat(answers.getFirst()).isEqualTo(answers.getLast());
  }

  @Test
  void saysWhatItNeeds() {
    var said = new ArrayList<String>();
    var options = new LoadOptions(1, "native", true, said::add, caches(64, 1));
    Model.load(FIXTURES.resolve("hf/llama"), options).close();
    assertThat(said).anySatisfy(line -> assertThat(line).contains("memory needed", "caches for 64 tokens", "there."));
  }
}
