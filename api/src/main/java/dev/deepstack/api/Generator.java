package dev.deepstack.api;

import dev.deepstack.program.Program;
import dev.deepstack.runtime.Executable;
import dev.deepstack.runtime.sample.Sampler;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.text.Tokenizer;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/// Continues text with a language model, one sequence at a time.
///
/// ```java
/// try (var model = Model.load(Path.of("models/demo"))) {
///   var answer = model.generator().generate("ROMEO:", GenerationOptions.greedy(64), System.out::print);
///   System.out.println(answer.decodeTokensPerSecond() + " tokens/s");
/// }
/// ```
public final class Generator {
  /// Kernels whose bytes are weights but for a row of activations.
  private static final Set<String> READS_WEIGHTS = Set.of("linear", "routed_linear", "grouped_mat_mul");

  private final Executable executable;
  private final LanguageModel model;
  private final Optional<Tokenizer> tokenizer;

  Generator(Executable executable, LanguageModel model, Optional<Tokenizer> tokenizer) {
    this.executable = executable;
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /// Tokens of prompt and answer that the model's caches can hold.
  public long contextMax() {
    return model.contextMax();
  }

  /// Generates from the beginning of a new sequence.
  ///
  /// @param onText gets the text piece by piece as it is decided, whole characters only
  /// @throws InvalidInputException when the prompt does not fit or the model came without a tokenizer
  public Generation generate(String prompt, GenerationOptions options, Consumer<String> onText) {
    Tokenizer text = tokenizer.orElseThrow(() -> new InvalidInputException(
        "the model came without a tokenizer.json, so text means nothing to it; put the file beside the model"));
    var decoder = text.incrementalDecoder();
    var out = new StringBuilder();
    Consumer<String> both = piece -> {
      out.append(piece);
      onText.accept(piece);
    };
    int[] ends = text.endOfTextCandidates();
    int known = (int) Math.min(text.vocabSize(), model.vocab());
    var run = new Run(options, known, ends, id -> both.accept(decoder.add(id)));
    run.generate(text.encode(prompt));
    both.accept(decoder.flush());
    return run.generation(out.toString());
  }

  /// Generates from token ids, without text.
  public Generation generate(int[] prompt, GenerationOptions options) {
    var run = new Run(options, (int) model.vocab(), new int[0], _ -> {});
    run.generate(prompt);
    return run.generation("");
  }

  /// Bytes of weights that one decode step reads, those of chosen experts only: what memory bandwidth is divided by to
  /// give the most tokens per second that memory allows.
  public long bytesPerToken() {
    Map<String, Long> one = new HashMap<>();
    executable.symbols().forEach((s, range) -> one.put(s, Math.max(1, range.min())));
    Program program = executable.bindSymbols(model.symbol().isEmpty() ? Map.of() : Map.copyOf(one)).program();
    one.put(Program.THREADS, 1L);
    return program.kernels().stream().filter(k -> READS_WEIGHTS.contains(k.kind()))
        .mapToLong(k -> k.bytes().evaluate(one)).sum();
  }

  /// One answer in the making.
  private final class Run {
    private final GenerationOptions options;
    private final Sampler sampler;
    private final int known;
    private final int[] ends;
    private final java.util.function.IntConsumer onToken;
    private final float[] scores;
    private int[] ids = new int[0];
    private int promptTokens;
    private int length;
    private long prefillNs;
    private long decodeNs;

    Run(GenerationOptions options, int known, int[] ends, java.util.function.IntConsumer onToken) {
      this.options = options;
      this.known = known;
      this.ends = ends;
      this.onToken = onToken;
      sampler = new Sampler(options.sampling());
      scores = new float[known];
    }

    void generate(int[] prompt) {
      check(prompt);
      promptTokens = prompt.length;
      length = prompt.length;
      long room = Math.min(options.maxTokens(), model.contextMax() - length);
      ids = Arrays.copyOf(prompt, Math.toIntExact(length + room));
      executable.reset();
      long start = System.nanoTime();
      HostTensor logits = prefill();
      prefillNs = System.nanoTime() - start;
      start = System.nanoTime();
      while (take(sampler.sample(scores(logits))) && length < ids.length) {
        logits = next();
      }
      decodeNs = System.nanoTime() - start;
    }

    private void check(int[] prompt) {
      if (prompt.length == 0) {
        throw new InvalidInputException("the prompt is empty; give at least one character");
      }
      if (prompt.length >= model.contextMax()) {
        throw new InvalidInputException("the prompt has " + prompt.length + " tokens and the model's context is "
            + model.contextMax() + "; shorten the prompt");
      }
      for (int id : prompt) {
        if (id < 0 || id >= model.vocab()) {
          throw new InvalidInputException("token id " + id + " is outside the model's vocabulary of " + model.vocab()
              + "; the tokenizer.json does not belong to this model");
        }
      }
      if (prompt.length < model.lengths().min()) {
        throw new InvalidInputException("the prompt has " + prompt.length + " tokens and the model was exported for at "
            + "least " + model.lengths().min() + "; lengthen the prompt or export with min=1");
      }
    }

    /// The prompt in pieces as large as a step takes. A piece may begin early, over tokens already seen: writing a
    /// cache entry again gives the same entry.
    private HostTensor prefill() {
      int most = (int) Math.min(model.lengths().max(), promptTokens);
      HostTensor logits = null;
      for (int done = 0; done < promptTokens; ) {
        int count = Math.min(most, promptTokens - done);
        int from = done - Math.max(0, (int) model.lengths().min() - count);
        logits = model.step(ids, from, done + count - from, from);
        done += count;
      }
      return java.util.Objects.requireNonNull(logits);
    }

    private HostTensor next() {
      int count = (int) Math.max(1, model.lengths().min());
      return model.step(ids, length - count, count, length - count);
    }

    /// Adds a token; false at the end of the answer.
    private boolean take(int id) {
      ids[length++] = id;
      onToken.accept(id);
      for (int end : ends) {
        if (id == end) {
          return false;
        }
      }
      return true;
    }

    private float[] scores(HostTensor logits) {
      if (logits.dtype() == DType.F32) {
        java.lang.foreign.MemorySegment.copy(logits.data(), java.lang.foreign.ValueLayout.JAVA_FLOAT_UNALIGNED, 0,
            scores, 0, known);
      } else {
        for (int i = 0; i < known; i++) {
          scores[i] = (float) logits.getDouble(i);
        }
      }
      return scores;
    }

    Generation generation(String text) {
      return new Generation(text, Arrays.copyOfRange(ids, promptTokens, length), promptTokens, prefillNs, decodeNs);
    }
  }
}
