package dev.deepstack.runtime.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class SamplerTest {
  private static final float LOWEST = Float.NEGATIVE_INFINITY;
  private static final int DRAWS = 40_000;

  @Test
  void greedyTakesTheFirstOfTheLargest() {
    var sampler = new Sampler(SamplingOptions.greedy());
    assertThat(sampler.sample(new float[] {1, 3, 2, 3})).isEqualTo(1);
    assertThat(sampler.sample(new float[] {-0f, 0f})).isZero();
    assertThat(sampler.sample(new float[] {LOWEST, Float.NaN, -5, LOWEST})).isEqualTo(2);
    assertThat(sampler.sample(new float[] {1, Float.POSITIVE_INFINITY, 2})).isEqualTo(1);
    assertThat(new Sampler(new SamplingOptions(1, 1, 1, 5)).sample(new float[] {0, 2, 2})).isEqualTo(1);
  }

  @ParameterizedTest
  @CsvSource({"1, 0, 1", "0.5, 0, 1", "2, 3, 1", "1, 0, 0.7", "1.5, 4, 0.8", "0.7, 50, 0.999", "1, 1, 0.5",
      "1, 2, 0.01"})
  void drawsAsOftenAsTheDefinitionSays(double temperature, int topK, double topP) {
    float[] logits = {1, 2.5f, LOWEST, 0, 2.5f, -1, Float.NaN, 1.5f};
    double[] expected = probabilities(logits, temperature, topK, topP);
    var sampler = new Sampler(new SamplingOptions(temperature, topK, topP, 42));
    var counts = new int[logits.length];
    for (int i = 0; i < DRAWS; i++) {
      counts[sampler.sample(logits)]++;
    }
    for (int id = 0; id < counts.length; id++) {
      assertThat(counts[id] / (double) DRAWS).as("id %d", id).isCloseTo(expected[id], within(0.012));
      assertThat(counts[id] > 0).as("id %d is possible", id).isEqualTo(expected[id] > 0);
    }
  }

  @Test
  void theSeedDecidesTheDraws() {
    var options = new SamplingOptions(1, 40, 0.95, 7);
    assertThat(draws(options)).isEqualTo(draws(options));
    assertThat(draws(options)).isNotEqualTo(draws(new SamplingOptions(1, 40, 0.95, 8)));
  }

  @Test
  void filtersThatKeepEverythingChangeNothing() {
    var logits = logits(500, 1);
    var filtered = new Sampler(new SamplingOptions(1, 500, 1, 3));
    var plain = new Sampler(new SamplingOptions(1, 0, 1, 3));
    for (int i = 0; i < 100; i++) {
      assertThat(filtered.sample(logits)).isEqualTo(plain.sample(logits));
    }
  }

  @Test
  void readsNativeLogits() {
    var options = new SamplingOptions(0.8, 20, 0.9, 11);
    var onHeap = new Sampler(options);
    var offHeap = new Sampler(options);
    try (var request = Arena.ofConfined()) {
      for (int i = 0; i < 50; i++) {
        var logits = logits(1000 + i % 3, i);
        assertThat(offHeap.sample(request.allocateFrom(ValueLayout.JAVA_FLOAT, logits)))
            .isEqualTo(onHeap.sample(logits));
      }
      assertThatThrownBy(() -> offHeap.sample(request.allocate(6)))
          .isInstanceOf(InvalidInputException.class).hasMessage("logits must be floats, not 6 bytes");
    }
  }

  @Test
  void theSmallestTemperaturesAreGreedy() {
    var sampler = new Sampler(new SamplingOptions(Double.MIN_VALUE, 0, 0.5, 1));
    var plain = new Sampler(new SamplingOptions(1e-300, 0, 1, 1));
    for (int i = 0; i < 100; i++) {
      assertThat(sampler.sample(new float[] {1, 2, 1.9999f})).isEqualTo(1);
      assertThat(plain.sample(new float[] {1, 2, 1.9999f})).isEqualTo(1);
    }
  }

  @Test
  void infinitelyLargeLogitsWin() {
    float[] logits = {1, Float.POSITIVE_INFINITY, Float.MAX_VALUE, Float.POSITIVE_INFINITY};
    assertThat(new Sampler(new SamplingOptions(1, 3, 0.9, 1)).sample(logits)).isEqualTo(1);
  }

  @Test
  void logitsWithoutAChoiceAreRefused() {
    for (var options : new SamplingOptions[] {SamplingOptions.greedy(), new SamplingOptions(1, 5, 0.5, 1)}) {
      var sampler = new Sampler(options);
      assertThatThrownBy(() -> sampler.sample(new float[] {Float.NaN, Float.NaN}))
          .isInstanceOf(InvalidInputException.class)
          .hasMessage("no token can be chosen from the logits: all are NaN");
      assertThatThrownBy(() -> sampler.sample(new float[] {LOWEST, LOWEST}))
          .hasMessage("no token can be chosen from the logits: all are minus infinity");
      assertThatThrownBy(() -> sampler.sample(new float[0]))
          .hasMessage("no token can be chosen from the logits: there are none");
    }
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1, Double.NaN, Double.POSITIVE_INFINITY})
  void wrongTemperaturesAreRefused(double temperature) {
    assertThatThrownBy(() -> new SamplingOptions(temperature, 0, 1, 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("temperature must be 0 (greedy) or a positive number, not " + temperature);
  }

  @ParameterizedTest
  @ValueSource(doubles = {0, -0.5, 1.01, Double.NaN})
  void wrongSharesAreRefused(double topP) {
    assertThatThrownBy(() -> new SamplingOptions(1, 0, topP, 0))
        .isInstanceOf(InvalidInputException.class)
        .hasMessage("topP must be above 0 and at most 1 (off), not " + topP);
  }

  @Test
  void negativeCountsAreRefused() {
    assertThatThrownBy(() -> new SamplingOptions(1, -1, 1, 0)).isInstanceOf(InvalidInputException.class)
        .hasMessage("topK must be 0 (off) or a positive count, not -1");
  }

  /// The definition: sort, cut, normalise, cut, normalise.
  private static double[] probabilities(float[] logits, double temperature, int topK, double topP) {
    var ids = IntStream.range(0, logits.length).filter(id -> logits[id] > LOWEST).boxed()
        .sorted(Comparator.comparing((Integer id) -> -logits[id]).thenComparing(id -> id))
        .limit(topK == 0 ? logits.length : topK).toList();
    double total = ids.stream().mapToDouble(id -> Math.exp(logits[id] / temperature)).sum();
    var result = new double[logits.length];
    double reached = 0;
    for (int id : ids) {
      if (reached < topP) {
        result[id] = Math.exp(logits[id] / temperature) / total;
        reached += result[id];
      }
    }
    double kept = reached;
    return Arrays.stream(result).map(p -> p / kept).toArray();
  }

  private static int[] draws(SamplingOptions options) {
    var sampler = new Sampler(options);
    return IntStream.range(0, 200).map(i -> sampler.sample(logits(300, i))).toArray();
  }

  private static float[] logits(int count, int seed) {
    var random = new Random(seed);
    var logits = new float[count];
    for (int id = 0; id < count; id++) {
      logits[id] = (float) random.nextGaussian() * 3;
    }
    return logits;
  }

  private static int sample(SamplingOptions options, float[] logits, int... before) {
    return new Sampler(options).sample(java.lang.foreign.MemorySegment.ofArray(logits), before, before.length);
  }

  @Test
  void penaltyMakesRepetitionLessLikely() {
    var options = new SamplingOptions(0, 0, 1, 0, 2, 0);
    float[] logits = {3, 2, -1, -1.5f};
    assertThat(sample(options, logits)).isZero();
    assertThat(sample(options, logits, 0, 0, 0)).isEqualTo(1);
    assertThat(sample(options, logits, 0, 1)).isZero();
    assertThat(sample(options, new float[] {-1, -1.5f}, 0)).isEqualTo(1);
    var sampler = new Sampler(options);
    sampler.sample(java.lang.foreign.MemorySegment.ofArray(logits), new int[] {0}, 1);
    assertThat(sampler.sample(java.lang.foreign.MemorySegment.ofArray(logits), new int[] {0}, 0)).isZero();
  }

  @Test
  void leastProbabilityIsAShareOfTheLargest() {
    var logits = new float[] {0, (float) Math.log(0.5), (float) Math.log(0.2), (float) Math.log(0.05)};
    boolean[] drawn = new boolean[4];
    var sampler = new Sampler(new SamplingOptions(1, 0, 1, 0.19, 1, 3));
    for (int i = 0; i < 300; i++) {
      drawn[sampler.sample(logits)] = true;
    }
    assertThat(drawn).containsExactly(true, true, true, false);
    assertThat(sample(new SamplingOptions(1, 0, 1, 1, 1, 4), logits)).isZero();
  }

  @Test
  void refusesWrongFilters() {
    for (double wrong : new double[] {-0.1, 1.1, Double.NaN}) {
      assertThatThrownBy(() -> new SamplingOptions(1, 0, 1, wrong, 1, 0)).isInstanceOf(InvalidInputException.class);
    }
    for (double wrong : new double[] {0, -1, Double.NaN, Double.POSITIVE_INFINITY}) {
      assertThatThrownBy(() -> new SamplingOptions(1, 0, 1, 0, wrong, 0)).isInstanceOf(InvalidInputException.class);
    }
  }
}
