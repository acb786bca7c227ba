package dev.deepstack.api;

import dev.deepstack.program.Decoding;
import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.runtime.Executable;
import dev.deepstack.runtime.batch.Batcher;
import dev.deepstack.runtime.batch.ExecutableStep;
import dev.deepstack.runtime.batch.Finish;
import dev.deepstack.runtime.batch.Sequence;
import dev.deepstack.runtime.batch.TokenBatch;
import dev.deepstack.runtime.kv.Pages;
import dev.deepstack.tensor.HostTensor;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/// A decoder with paged caches. What one answer left in the caches serves the next, as far as their tokens agree: a
/// conversation is not read again with every question.
final class PagedEngine implements Engine {
  /// Tokens of prompts in one step: enough for a step's arithmetic to outweigh reading the weights.
  static final int CHUNK_TOKENS = 512;

  private final Executable executable;
  private final Decoding decoding;
  private final ExecutableStep step;
  private final Batcher batcher;
  private final long slots;
  private @Nullable Sequence last;

  /// @param slots cache slots there are
  /// @param sequences that run together at most
  PagedEngine(Executable executable, Decoding decoding, long slots, int sequences) {
    this.executable = executable;
    this.decoding = decoding;
    this.slots = slots;
    step = new ExecutableStep(executable, decoding);
    var pages = new Pages(Math.toIntExact(slots / decoding.pageSlots()), decoding.pageSlots());
    batcher = new Batcher(step, pages, new Batcher.Limits(decoding.contextMax(), CHUNK_TOKENS, sequences));
    executable.reserve(largest(executable.inputs(), decoding, slots, sequences));
  }

  @Override
  public long contextMax() {
    return batcher.contextMax();
  }

  @Override
  public int vocabulary() {
    return decoding.vocabulary();
  }

  @Override
  public List<Integer> ends() {
    return decoding.ends();
  }

  @Override
  public double bytesPerToken(int batch, long context) {
    int columns = Math.toIntExact(Math.ceilDiv(context, decoding.pageSlots()));
    Program general = executable.programs().getFirst();
    long dense = SingleEngine.bytes(general, sizes(batch, columns), Set.of("linear"));
    double routed = SingleEngine.bytes(general, sizes(1, columns), Set.of("routed_linear", "grouped_mat_mul"))
        * expertsRead(batch);
    return (dense + routed) / batch + cacheBytes() * (double) context;
  }

  private Map<String, Long> sizes(int batch, int columns) {
    Map<String, Long> sizes = step.sizes(batch, batch, columns, batch);
    sizes.put(Decoding.SLOTS, slots());
    return sizes;
  }

  /// How many times the experts of one token a batch reads, when every token chooses at random: they share some.
  private double expertsRead(int batch) {
    if (decoding.experts() == 0) {
      return batch;
    }
    double share = decoding.chosen() / (double) decoding.experts();
    return (1 - Math.pow(1 - share, batch)) / share;
  }

  private long slots() {
    return slots;
  }

  /// Bytes of a cache slot in all layers.
  private long cacheBytes() {
    return executable.states().values().stream().mapToLong(s -> s.data().byteSize() / slots).sum();
  }

  @Override
  public Generation run(int[] prompt, Request request) {
    var pace = new Pace();
    var sequence = new Sequence(prompt, request.maxTokens(), request.sampling(), request.known(), request.ends(),
        id -> {
          pace.token();
          return request.listener().token(id);
        });
    Sequence before = last;
    last = null;
    sequence.keep(before);
    last = sequence;
    batcher.add(sequence);
    pace.begin();
    while (sequence.finish() == null) {
      if (request.cancelled().getAsBoolean()) {
        sequence.cancel();
      }
      batcher.step();
    }
    pace.end();
    return generation(sequence, pace.prefillNs, pace.decodeNs);
  }

  private static Generation generation(Sequence sequence, long prefillNs, long decodeNs) {
    Finish finish = Objects.requireNonNull(sequence.finish());
    return new Generation("", sequence.answer(), sequence.promptTokens(), prefillNs, decodeNs, finish);
  }

  /// Answers several prompts at once.
  Together together(List<int[]> prompts, GenerationOptions options, List<Integer> ends, LongConsumer afterStep) {
    if (last != null) {
      last.drop();
      last = null;
    }
    var pace = new Pace();
    int[] begun = {0};
    var sequences = new ArrayList<Sequence>();
    for (int[] prompt : prompts) {
      boolean[] first = {true};
      sequences.add(new Sequence(prompt, options.maxTokens(), options.sampling(), 0, ends, _ -> {
        begun[0] += first[0] ? 1 : 0;
        first[0] = false;
        return true;
      }));
    }
    pace.begin();
    sequences.forEach(batcher::add);
    int tokensThen = 0;
    while (batcher.step()) {
      if (pace.prefillNs != 0) {
        pace.step(afterStep);
      } else if (begun[0] == sequences.size()) {
        pace.token();
        tokensThen = sequences.stream().mapToInt(s -> s.length() - s.promptTokens()).sum();
      }
    }
    pace.end();
    int tokens = sequences.stream().mapToInt(s -> s.length() - s.promptTokens()).sum() - tokensThen;
    return new Together(sequences.stream().map(s -> generation(s, pace.prefillNs, pace.decodeNs)).toList(),
        sequences.stream().mapToInt(Sequence::promptTokens).sum(), pace.prefillNs, tokens, pace.decodeNs);
  }

  /// When the first token came and when the last.
  private static final class Pace {
    private long start;
    private long prefillNs;
    private long decodeNs;

    void begin() {
      start = System.nanoTime();
    }

    void token() {
      if (prefillNs == 0) {
        prefillNs = Math.max(1, lap());
      }
    }

    /// What the listener takes counts for nothing.
    void step(LongConsumer listener) {
      long taken = lap();
      decodeNs += taken;
      listener.accept(taken);
      begin();
    }

    void end() {
      token();
      decodeNs += lap();
    }

    private long lap() {
      long before = start;
      begin();
      return start - before;
    }
  }

  /// The sizes of the largest step.
  static Map<String, Long> largest(List<Port> inputs, Decoding decoding, long slots, int sequences) {
    int columns = TokenBatch.padded(Math.toIntExact(slots / sequences / decoding.pageSlots()));
    int tokens = Math.toIntExact(Math.max(Math.min(CHUNK_TOKENS, slots), sequences));
    return ExecutableStep.sizes(inputs, tokens, sequences, columns, sequences);
  }

  /// Bytes of all caches that one token takes, for a program that is not loaded.
  static long cacheBytesPerSlot(Program program) {
    long bytes = 0;
    for (Port state : program.states()) {
      long[] one = state.type().shape().evaluate(Map.of(Decoding.SLOTS, 1L));
      bytes += HostTensor.count(one) * state.type().dtype().bytes();
    }
    return bytes;
  }
}
