package dev.deepstack.runtime.batch;

import dev.deepstack.runtime.kv.PageTable;
import dev.deepstack.runtime.kv.Pages;
import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/// Runs several sequences together. Each step computes the next token of every answer and chunks of prompts that wait,
/// so that a long prompt does not stop the others.
///
/// When pages run out, the sequence that came last gives its pages back and is computed again later. One thread calls
/// [#step]; [#add] and [Sequence#cancel] may be called from any.
public final class Batcher {
  private final DecoderStep decoder;
  private final Pages pages;
  private final Limits limits;
  private final Queue<Sequence> arrived = new ConcurrentLinkedQueue<>();
  private final Deque<Sequence> waiting = new ArrayDeque<>();
  private final List<Sequence> running = new ArrayList<>();
  private final List<Sequence> selected = new ArrayList<>();
  private final TokenBatch batch = new TokenBatch();

  /// @param contextMax most tokens of one sequence
  /// @param chunkTokens tokens of prompts in one step
  /// @param sequencesMax sequences that run together
  public record Limits(long contextMax, int chunkTokens, int sequencesMax) {
    public Limits {
      if (contextMax < 2 || chunkTokens < 1 || sequencesMax < 1) {
        throw new InvalidInputException("the context must be at least 2, chunks and sequences at least 1, not "
            + contextMax + ", " + chunkTokens + " and " + sequencesMax);
      }
    }
  }

  public Batcher(DecoderStep decoder, Pages pages, Limits limits) {
    this.decoder = decoder;
    this.pages = pages;
    this.limits = limits;
  }

  /// The most tokens a sequence can have, prompt and answer together.
  public long contextMax() {
    return Math.min(limits.contextMax, (long) pages.count() * pages.slots());
  }

  /// Puts a sequence at the end of the queue.
  ///
  /// @throws InvalidInputException when its prompt does not fit
  public void add(Sequence sequence) {
    if (sequence.length() >= contextMax()) {
      throw new InvalidInputException("the prompt has " + sequence.length() + " tokens and the context is "
          + contextMax() + "; shorten the prompt" + (contextMax() < limits.contextMax ? " or ask for more context"
              : ""));
    }
    for (int i = 0; i < sequence.length(); i++) {
      int id = sequence.token(i);
      if (id < 0 || id >= decoder.vocabulary()) {
        throw new InvalidInputException("token id " + id + " is outside the model's vocabulary of "
            + decoder.vocabulary() + "; the tokenizer does not belong to this model");
      }
    }
    arrived.add(sequence);
  }

  /// Sequences that are not finished.
  public int size() {
    return arrived.size() + waiting.size() + running.size();
  }

  PageTable newTable() {
    return new PageTable(pages);
  }

  /// Runs one step.
  ///
  /// @return false when there was nothing to do
  public boolean step() {
    for (Sequence next = arrived.poll(); next != null; next = arrived.poll()) {
      waiting.add(next);
    }
    dropCancelled();
    admit();
    compose();
    if (batch.count() == 0) {
      return false;
    }
    MemorySegment logits;
    try {
      logits = decoder.run(batch);
    } catch (RuntimeException | Error e) {
      running.forEach(s -> end(s, Finish.FAILED));
      running.clear();
      throw e;
    }
    long row = (long) decoder.vocabulary() * Float.BYTES;
    for (int i = 0; i < selected.size(); i++) {
      Sequence sequence = selected.get(i);
      sequence.advance(logits.asSlice(i * row, row), contextMax());
      if (sequence.finish() != null) {
        sequence.end();
      }
    }
    running.removeIf(s -> s.finish() != null);
    return true;
  }

  private void dropCancelled() {
    for (List<Sequence> all : List.of(running, List.copyOf(waiting))) {
      all.stream().filter(Sequence::isCancelled).forEach(s -> end(s, Finish.CANCELLED));
    }
    running.removeIf(s -> s.finish() != null);
    waiting.removeIf(s -> s.finish() != null);
  }

  private static void end(Sequence sequence, Finish why) {
    sequence.finish(why);
    if (why == Finish.FAILED) {
      sequence.drop();
    } else {
      sequence.end();
    }
  }

  /// Lets sequences in as long as there is room for all their tokens and one more.
  private void admit() {
    int promised = 0;
    for (Sequence s : running) {
      promised += pages.needed(s.length()) - s.table(this).size();
    }
    while (!waiting.isEmpty() && running.size() < limits.sequencesMax) {
      int needed = pages.needed(waiting.getFirst().length() + 1L);
      if (!running.isEmpty() && promised + needed > pages.free()) {
        return;
      }
      promised += needed;
      running.add(waiting.removeFirst());
    }
  }

  /// First the answers, one token each, then prompts as far as a chunk goes.
  private void compose() {
    batch.clear();
    selected.clear();
    int budget = limits.chunkTokens;
    for (int i = 0; i < running.size(); i++) {
      Sequence sequence = running.get(i);
      if (sequence.computed() == sequence.length() - 1 && makeRoom(sequence, i, sequence.length())) {
        put(sequence, 1);
        budget--;
      }
    }
    for (int i = 0; i < running.size() && budget > 0; i++) {
      Sequence sequence = running.get(i);
      int missing = sequence.length() - sequence.computed();
      int count = Math.min(missing, budget);
      // Only a step that would be empty sends others away for a prompt.
      boolean hasRoom = missing > 1 && (batch.count() > 0
          ? sequence.table(this).ensure(sequence.computed() + count)
          : makeRoom(sequence, i, sequence.computed() + count));
      if (hasRoom) {
        put(sequence, count);
        budget -= count;
      }
    }
    if (batch.count() > 0 && selected.isEmpty() && !decoder.canSelectNothing()) {
      batch.select();
    }
  }

  /// Whether the caches can take this many tokens of a sequence; those that came later make room, the last one first.
  private boolean makeRoom(Sequence sequence, int index, int tokens) {
    for (int i = running.size() - 1; !sequence.table(this).ensure(tokens); i--) {
      if (i <= index) {
        return false;
      }
      if (running.get(i).table(this).size() > 0) {
        Sequence last = running.remove(i);
        last.release();
        waiting.addFirst(last);
      }
    }
    return true;
  }

  private void put(Sequence sequence, int count) {
    batch.begin(sequence.table(this));
    int from = sequence.computed();
    for (int i = from; i < from + count; i++) {
      batch.add(sequence.token(i), i);
    }
    sequence.computed(from + count);
    if (from + count == sequence.length()) {
      batch.select();
      selected.add(sequence);
    }
  }
}
