package dev.deepstack.runtime.batch;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.deepstack.runtime.kv.Pages;
import dev.deepstack.runtime.sample.SamplingOptions;
import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class BatcherTest {
  private static Sequence sequence(int[] prompt, int tokensMax) {
    return new Sequence(prompt, tokensMax, SamplingOptions.greedy(), 0, List.of(), _ -> true);
  }

  private static int[] prompt(Random random, int length) {
    return random.ints(length, 0, PagedFake.VOCABULARY).toArray();
  }

  private static int[] alone(int[] prompt, int tokens) {
    int[] all = Arrays.copyOf(prompt, prompt.length + tokens);
    for (int i = prompt.length; i < all.length; i++) {
      all[i] = PagedFake.next(all, i);
    }
    return Arrays.copyOfRange(all, prompt.length, all.length);
  }

  private static void runAll(Batcher batcher) {
    int steps = 0;
    while (batcher.step()) {
      assertThat(++steps).as("steps without an end").isLessThan(100_000);
    }
    assertThat(batcher.size()).isZero();
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20})
  void togetherAsAlone(int seed) {
    var random = new Random(seed);
    int pageSlots = 1 + random.nextInt(8);
    // Few pages: sequences have to give way to one another.
    int pageCount = 60 / pageSlots + 2 + random.nextInt(20);
    var pages = new Pages(pageCount, pageSlots);
    var limits = new Batcher.Limits(1000, 1 + random.nextInt(20), 1 + random.nextInt(8));
    var batcher = new Batcher(new PagedFake(pageCount, pageSlots), pages, limits);
    List<Sequence> sequences = new ArrayList<>();
    List<int[]> expected = new ArrayList<>();
    for (int i = 0; i < 12; i++) {
      int[] prompt = prompt(random, 1 + random.nextInt(30));
      int tokens = 1 + random.nextInt(25);
      expected.add(alone(prompt, tokens));
      sequences.add(sequence(prompt, tokens));
      batcher.add(sequences.getLast());
      for (int steps = random.nextInt(3); steps > 0; steps--) {
        batcher.step();
      }
    }
    runAll(batcher);
    for (int i = 0; i < sequences.size(); i++) {
      assertThat(sequences.get(i).answer()).as("sequence %d", i).isEqualTo(expected.get(i));
      assertThat(sequences.get(i).finish()).isEqualTo(Finish.LENGTH);
    }
    assertThat(pages.free()).isEqualTo(pageCount);
  }

  @Test
  void mixesChunksOfPromptsWithAnswers() {
    var fake = new PagedFake(40, 4);
    var batcher = new Batcher(fake, new Pages(40, 4), new Batcher.Limits(100, 10, 4));
    batcher.add(sequence(new int[] {1}, 5));
    batcher.step();
    batcher.add(sequence(prompt(new Random(1), 25), 2));
    runAll(batcher);
    assertThat(fake.steps).containsExactly("1/1", "10/2", "10/2", "8/2", "2/2");
  }

  @Test
  void endsAtTheContext() {
    var batcher = new Batcher(new PagedFake(4, 4), new Pages(4, 4), new Batcher.Limits(1000, 8, 4));
    assertThat(batcher.contextMax()).isEqualTo(16);
    var first = sequence(new int[] {1, 2, 3}, 100);
    var second = sequence(new int[] {4, 5}, 100);
    batcher.add(first);
    batcher.add(second);
    runAll(batcher);
    assertThat(first.answer()).isEqualTo(alone(new int[] {1, 2, 3}, 13));
    assertThat(second.answer()).isEqualTo(alone(new int[] {4, 5}, 14));
    assertThat(List.of(first.finish(), second.finish())).containsOnly(Finish.CONTEXT);
    assertThatThrownBy(() -> batcher.add(sequence(new int[16], 1))).isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("16 tokens").hasMessageContaining("more context");
  }

  @Test
  void endsAtEndTokensAndStops() {
    int[] prompt = {3, 1, 4};
    int[] answer = alone(prompt, 20);
    var batcher = new Batcher(new PagedFake(20, 4), new Pages(20, 4), new Batcher.Limits(1000, 8, 4));
    var ended = new Sequence(prompt, 20, SamplingOptions.greedy(), 0, List.of(99, answer[2]), _ -> true);
    var heard = new ArrayList<Integer>();
    var stopped = new Sequence(prompt, 20, SamplingOptions.greedy(), 0, List.of(), id -> {
      heard.add(id);
      return heard.size() < 4;
    });
    batcher.add(ended);
    batcher.add(stopped);
    runAll(batcher);
    assertThat(ended.finish()).isEqualTo(Finish.END);
    assertThat(ended.answer()).isEqualTo(Arrays.copyOf(answer, 3));
    assertThat(stopped.finish()).isEqualTo(Finish.STOP);
    assertThat(heard).hasSize(4);
  }

  @Test
  void cancelledFromAnotherThread() throws InterruptedException {
    var pages = new Pages(20, 4);
    var batcher = new Batcher(new PagedFake(20, 4), pages, new Batcher.Limits(1000, 8, 1));
    var running = sequence(new int[] {1}, 50);
    var waiting = sequence(new int[] {2}, 50);
    batcher.add(running);
    batcher.add(waiting);
    batcher.step();
    var canceller = new Thread(() -> {
      running.cancel();
      waiting.cancel();
    });
    canceller.start();
    canceller.join();
    assertThat(batcher.step()).isFalse();
    assertThat(running.finish()).isEqualTo(Finish.CANCELLED);
    assertThat(waiting.finish()).isEqualTo(Finish.CANCELLED);
    assertThat(pages.free()).isEqualTo(20);
  }

  @Test
  void givesPagesBackWhenAStepFails() {
    var pages = new Pages(20, 4);
    var batcher = new Batcher(new DecoderStep() {
      @Override
      public MemorySegment run(TokenBatch batch) {
        throw new IllegalStateException("broken");
      }

      @Override
      public int vocabulary() {
        return 10;
      }
    }, pages, new Batcher.Limits(1000, 8, 1));
    var sequence = sequence(new int[] {1}, 50);
    batcher.add(sequence);
    assertThatThrownBy(batcher::step).hasMessage("broken");
    assertThat(sequence.finish()).isEqualTo(Finish.FAILED);
    assertThat(pages.free()).isEqualTo(20);
    assertThat(batcher.step()).isFalse();
  }

  @Test
  void refusesForeignTokens() {
    var batcher = new Batcher(new PagedFake(20, 4), new Pages(20, 4), new Batcher.Limits(1000, 8, 1));
    assertThatThrownBy(() -> batcher.add(sequence(new int[] {50}, 1))).hasMessageContaining("vocabulary of 50");
    assertThatThrownBy(() -> batcher.add(sequence(new int[] {-1}, 1))).hasMessageContaining("token id -1");
    assertThatThrownBy(() -> sequence(new int[0], 1)).isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> sequence(new int[1], 0)).isInstanceOf(InvalidInputException.class);
  }

  @Test
  void goesOnFromWhatAnEarlierSequenceLeft() {
    var fake = new PagedFake(20, 4);
    var pages = new Pages(20, 4);
    var batcher = new Batcher(fake, pages, new Batcher.Limits(1000, 100, 1));
    var first = sequence(new int[] {1, 2, 3, 4, 5}, 6);
    first.keep(null);
    batcher.add(first);
    runAll(batcher);
    assertThat(pages.free()).isEqualTo(17);
    int[] more = {1, 2, 3, 4, 5, first.answer()[0], first.answer()[1], 9, 9};
    var second = sequence(more, 3);
    second.keep(first);
    batcher.add(second);
    fake.steps.clear();
    runAll(batcher);
    assertThat(fake.steps.getFirst()).isEqualTo("2/1");
    assertThat(second.answer()).isEqualTo(alone(more, 3));
    var same = sequence(more, 3);
    same.keep(second);
    batcher.add(same);
    runAll(batcher);
    assertThat(same.answer()).isEqualTo(alone(more, 3));
    same.drop();
    assertThat(pages.free()).isEqualTo(20);
  }
}
