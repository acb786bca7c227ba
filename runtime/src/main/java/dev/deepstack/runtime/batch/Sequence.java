package dev.deepstack.runtime.batch;

import dev.deepstack.runtime.kv.PageTable;
import dev.deepstack.runtime.sample.Sampler;
import dev.deepstack.runtime.sample.SamplingOptions;
import dev.deepstack.tensor.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/// A prompt and its answer in the making. Given to one [Batcher]; [#cancel] may be called from any thread.
public final class Sequence {
  /// Told of every new token.
  public interface Listener {
    /// @return false to end the answer here, because a stop string came
    boolean token(int id);
  }

  private final int promptTokens;
  private final int tokensMax;
  private final Sampler sampler;
  private final int known;
  private final int[] ends;
  private final Listener listener;
  private int[] tokens;
  private int length;
  private int computed;
  private @Nullable PageTable table;
  private volatile @Nullable Finish finish;
  private volatile boolean cancelled;
  private boolean kept;

  /// @param prompt at least one token
  /// @param tokensMax most tokens of the answer, at least 1
  /// @param known only the first so many logits count; 0 for all
  /// @param ends tokens that end the answer
  public Sequence(
      int[] prompt, int tokensMax, SamplingOptions sampling, int known, List<Integer> ends, Listener listener) {
    if (prompt.length == 0) {
      throw new InvalidInputException("the prompt is empty; give at least one character");
    }
    if (tokensMax < 1) {
      throw new InvalidInputException("max tokens must be at least 1, not " + tokensMax);
    }
    promptTokens = prompt.length;
    this.tokensMax = tokensMax;
    sampler = new Sampler(sampling);
    this.known = known;
    this.ends = ends.stream().mapToInt(Integer::intValue).toArray();
    this.listener = listener;
    tokens = Arrays.copyOf(prompt, prompt.length + Math.min(tokensMax, 64));
    length = prompt.length;
  }

  /// Ends the answer before the next step.
  public void cancel() {
    cancelled = true;
  }

  /// Why the answer ended; null while it has not.
  public @Nullable Finish finish() {
    return finish;
  }

  public int promptTokens() {
    return promptTokens;
  }

  /// The tokens of the answer so far, an end token included.
  public int[] answer() {
    return Arrays.copyOfRange(tokens, promptTokens, length);
  }

  /// Tokens of prompt and answer.
  public int length() {
    return length;
  }

  boolean isCancelled() {
    return cancelled;
  }

  /// Tokens whose keys and values are in the caches.
  int computed() {
    return computed;
  }

  int token(int index) {
    return tokens[index];
  }

  PageTable table(Batcher batcher) {
    PageTable known = table;
    if (known == null) {
      known = batcher.newTable();
      table = known;
    }
    return known;
  }

  void computed(int count) {
    computed = count;
  }

  /// Chooses the next token from logits of the last one.
  void advance(java.lang.foreign.MemorySegment logits, long contextMax) {
    var scores = known == 0 ? logits : logits.asSlice(0, (long) known * Float.BYTES);
    int id = sampler.sample(scores, tokens, length);
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * length);
    }
    tokens[length++] = id;
    boolean goesOn = listener.token(id);
    if (Arrays.stream(ends).anyMatch(end -> end == id)) {
      finish = Finish.END;
    } else if (!goesOn) {
      finish = Finish.STOP;
    } else if (length - promptTokens >= tokensMax) {
      finish = Finish.LENGTH;
    } else if (length >= contextMax) {
      finish = Finish.CONTEXT;
    }
  }

  void finish(Finish why) {
    finish = why;
  }

  /// Keeps its pages when it ends, for a later sequence to go on from, and takes over those of an earlier one as far as
  /// the tokens agree.
  ///
  /// @param before a finished sequence of the same batcher that kept its pages; null for none
  public void keep(@Nullable Sequence before) {
    kept = true;
    if (before != null && before.finish != null && before.table != null) {
      table = before.table;
      before.table = null;
      int most = Math.min(before.computed, length - 1);
      while (computed < most && tokens[computed] == before.tokens[computed]) {
        computed++;
      }
      table.keep(computed);
    }
  }

  /// Gives back kept pages.
  public void drop() {
    kept = false;
    release();
  }

  /// Gives the pages back, unless they are kept.
  void end() {
    if (!kept) {
      release();
    }
  }

  /// Forgets what is in the caches; it can be computed again.
  void release() {
    if (table != null) {
      table.keep(0);
    }
    computed = 0;
  }
}
