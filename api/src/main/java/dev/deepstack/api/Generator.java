package dev.deepstack.api;

import dev.deepstack.program.Decoding;
import dev.deepstack.runtime.batch.Sequence;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.text.IncrementalDecoder;
import dev.deepstack.text.Tokenizer;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.Optional;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/// Continues text with a language model, one answer at a time.
///
/// ```java
/// try (var model = Model.load(Path.of("models/demo"))) {
///   var answer = model.generator().generate("ROMEO:", GenerationOptions.greedy(64), System.out::print);
///   System.out.println(answer.decodeTokensPerSecond() + " tokens/s");
/// }
/// ```
public final class Generator {
  private final Engine engine;
  private final WeightFiles files;
  private final Optional<Tokenizer> tokenizer;
  private final @Nullable Decoding decoding;

  Generator(Engine engine, WeightFiles files, Optional<Tokenizer> tokenizer, @Nullable Decoding decoding) {
    this.files = files;
    this.engine = engine;
    this.tokenizer = tokenizer;
    this.decoding = decoding;
  }

  /// Tokens of prompt and answer that the model's caches can hold.
  public long contextMax() {
    return engine.contextMax();
  }

  /// How many different tokens there are.
  public int vocabulary() {
    return engine.vocabulary();
  }

  /// How a conversation becomes a prompt, as the model says, in Jinja; empty when it does not say.
  public Optional<String> chatTemplate() {
    return decoding == null ? Optional.empty() : Optional.ofNullable(decoding.chatTemplate());
  }

  /// The token a text begins with, as the model says, or -1.
  public int beginToken() {
    return decoding == null ? -1 : decoding.begin();
  }

  /// Tokens that end an answer, as the model says; may be empty.
  public List<Integer> endTokens() {
    return engine.ends();
  }

  /// Generates from the beginning of a new sequence.
  ///
  /// @param onText gets the text piece by piece as it is decided, whole characters only
  /// @throws InvalidInputException when the prompt does not fit, the model came without a tokenizer, or its files were
  ///     changed since it was loaded
  public Generation generate(String prompt, GenerationOptions options, Consumer<String> onText) {
    return generate(text().encode(prompt), options, onText);
  }

  /// Generates from token ids, with text.
  ///
  /// @throws InvalidInputException when the prompt does not fit or the model came without a tokenizer
  public Generation generate(int[] prompt, GenerationOptions options, Consumer<String> onText) {
    Tokenizer text = text();
    IncrementalDecoder decoder = text.incrementalDecoder();
    var out = new StringBuilder();
    var stops = new StopStrings(options.stops(), piece -> {
      out.append(piece);
      onText.accept(piece);
    });
    var ends = new TreeSet<>(engine.ends());
    for (int id : text.endOfTextCandidates()) {
      ends.add(id);
    }
    int known = Math.min(text.vocabSize(), engine.vocabulary());
    Generation answer = files.reading(() -> engine.run(prompt, request(options, known, List.copyOf(ends),
        id -> stops.add(decoder.add(id)))));
    stops.add(decoder.flush());
    stops.flush();
    return answer.withText(out.toString());
  }

  /// Generates from token ids, without text.
  public Generation generate(int[] prompt, GenerationOptions options) {
    if (!options.stops().isEmpty()) {
      text();
    }
    return files.reading(() -> engine.run(prompt, request(options, engine.vocabulary(), engine.ends(), _ -> true)));
  }

  /// Answers several prompts at once: one step computes a token of each.
  ///
  /// @throws InvalidInputException when a prompt does not fit, or the model's caches hold one sequence only
  public Together together(List<int[]> prompts, GenerationOptions options) {
    return together(prompts, options, _ -> {});
  }

  /// As [#together(List, GenerationOptions)]; `afterStep` is told the nanoseconds of each step after the first tokens,
  /// and what it does itself is not counted. A model with caches for one sequence tells it nothing.
  public Together together(List<int[]> prompts, GenerationOptions options, LongConsumer afterStep) {
    if (!(engine instanceof PagedEngine paged)) {
      if (prompts.size() == 1) {
        Generation one = generate(prompts.getFirst(), options);
        return new Together(List.of(one), one.promptTokens(), one.prefillNs(), one.tokenIds().length - 1,
            one.decodeNs());
      }
      throw new InvalidInputException("this model was exported with caches for one sequence; "
          + "several together need a checkpoint folder or a GGUF file");
    }
    return files.reading(
        () -> paged.together(prompts, options, options.endless() ? List.of() : engine.ends(), afterStep));
  }

  private Engine.Request request(
      GenerationOptions options, int known, List<Integer> ends, Sequence.Listener listener) {
    Sequence.Listener careful = id -> {
      files.requireUndamaged();
      return listener.token(id);
    };
    return new Engine.Request(options.maxTokens(), options.sampling(), known,
        options.endless() ? List.of() : ends, careful, options.cancelled());
  }

  private Tokenizer text() {
    return tokenizer.orElseThrow(() -> new InvalidInputException(
        "the model came without a tokenizer.json, so text means nothing to it; put the file beside the model"));
  }

  /// Bytes that one decode step reads at the beginning of a sequence, weights of chosen experts only: what memory
  /// bandwidth is divided by to give the most tokens per second that memory allows.
  public long bytesPerToken() {
    return (long) engine.bytesPerToken(1, 1);
  }

  /// Bytes that decode reads per token: weights, shared by the sequences of a step, and the caches of its sequence.
  ///
  /// @param batch sequences that share a step
  /// @param context tokens of each in the caches
  public double bytesPerToken(int batch, long context) {
    return engine.bytesPerToken(batch, context);
  }
}
