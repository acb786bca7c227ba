package dev.deepstack.api;

import dev.deepstack.program.Program;
import dev.deepstack.runtime.Executable;
import dev.deepstack.runtime.batch.Finish;
import dev.deepstack.runtime.sample.Sampler;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// A model whose caches hold one sequence, as PyTorch exports it.
record SingleEngine(Executable executable, LanguageModel model) implements Engine {
  /// Kernels whose bytes are weights but for a row of activations.
  private static final Set<String> READS_WEIGHTS = Set.of("linear", "routed_linear", "grouped_mat_mul");

  @Override
  public long contextMax() {
    return model.contextMax();
  }

  @Override
  public int vocabulary() {
    return Math.toIntExact(model.vocab());
  }

  @Override
  public List<Integer> ends() {
    return List.of();
  }

  @Override
  public double bytesPerToken(int batch, long context) {
    Map<String, Long> one = new HashMap<>();
    executable.symbols().forEach((s, range) -> one.put(s, Math.max(1, range.min())));
    Program program = executable.bindSymbols(model.symbol().isEmpty() ? Map.of() : Map.copyOf(one)).program();
    return bytes(program, one, READS_WEIGHTS);
  }

  /// Bytes that kernels of some kinds read and write in a step of a program, for values of its symbols.
  static long bytes(Program program, Map<String, Long> symbols, Set<String> kinds) {
    Map<String, Long> sizes = new HashMap<>(symbols);
    sizes.put(Program.THREADS, 1L);
    return program.kernels().stream().filter(k -> kinds.contains(k.kind())).mapToLong(k -> k.bytes().evaluate(sizes))
        .sum();
  }

  @Override
  public Generation run(int[] prompt, Request request) {
    var run = new Run(request);
    run.generate(prompt);
    return run.generation();
  }

  /// One answer in the making.
  private final class Run {
    private final Request request;
    private final Sampler sampler;
    private final float[] scores;
    private int[] ids = new int[0];
    private int promptTokens;
    private int length;
    private long prefillNs;
    private long decodeNs;
    private Finish finish = Finish.LENGTH;

    Run(Request request) {
      this.request = request;
      sampler = new Sampler(request.sampling());
      scores = new float[request.known()];
    }

    void generate(int[] prompt) {
      check(prompt);
      promptTokens = prompt.length;
      length = prompt.length;
      long room = Math.min(request.maxTokens(), model.contextMax() - length);
      finish = room < request.maxTokens() ? Finish.CONTEXT : Finish.LENGTH;
      ids = Arrays.copyOf(prompt, Math.toIntExact(length + room));
      executable.reset();
      long start = System.nanoTime();
      HostTensor logits = prefill();
      prefillNs = System.nanoTime() - start;
      start = System.nanoTime();
      while (logits != null && take(choose(logits)) && length < ids.length) {
        logits = request.cancelled().getAsBoolean() ? cancel() : next();
      }
      decodeNs = System.nanoTime() - start;
    }

    private @Nullable HostTensor cancel() {
      finish = Finish.CANCELLED;
      return null;
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
    /// cache entry again gives the same entry. Null when somebody asked to stop.
    private @Nullable HostTensor prefill() {
      int most = (int) Math.min(model.lengths().max(), promptTokens);
      HostTensor logits = null;
      for (int done = 0; done < promptTokens; ) {
        if (request.cancelled().getAsBoolean()) {
          return cancel();
        }
        int count = Math.min(most, promptTokens - done);
        int from = done - Math.max(0, (int) model.lengths().min() - count);
        logits = model.step(ids, from, done + count - from, from);
        done += count;
      }
      return Objects.requireNonNull(logits);
    }

    private HostTensor next() {
      int count = (int) Math.max(1, model.lengths().min());
      return model.step(ids, length - count, count, length - count);
    }

    /// Adds a token; false at the end of the answer.
    private boolean take(int id) {
      ids[length++] = id;
      boolean goesOn = request.listener().token(id);
      if (request.ends().contains(id)) {
        finish = Finish.END;
        return false;
      }
      if (!goesOn) {
        finish = Finish.STOP;
      }
      return goesOn;
    }

    private int choose(HostTensor logits) {
      if (logits.dtype() == DType.F32) {
        return sampler.sample(logits.data().asSlice(0, (long) scores.length * Float.BYTES), ids, length);
      }
      for (int i = 0; i < scores.length; i++) {
        scores[i] = (float) logits.getDouble(i);
      }
      return sampler.sample(MemorySegment.ofArray(scores), ids, length);
    }

    Generation generation() {
      return new Generation("", Arrays.copyOfRange(ids, promptTokens, length), promptTokens, prefillNs, decodeNs,
          finish);
    }
  }
}
