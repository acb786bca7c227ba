package dev.deepstack.runtime.batch;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/// A decoder that reads what it wrote into its pages: the next token depends on every token before, so that a token in
/// a wrong slot, a page given to two sequences or a token left out shows.
final class PagedFake implements DecoderStep {
  static final int VOCABULARY = 50;

  private final long[] cache;
  private final int pageSlots;
  final List<String> steps = new ArrayList<>();

  PagedFake(int pages, int pageSlots) {
    cache = new long[pages * pageSlots];
    this.pageSlots = pageSlots;
  }

  @Override
  public int vocabulary() {
    return VOCABULARY;
  }

  static int next(int[] tokens, int length) {
    long hash = 7;
    for (int i = 0; i < length; i++) {
      hash = hash * 31 + entry(tokens[i], i);
    }
    return Math.floorMod(hash, VOCABULARY);
  }

  private static long entry(long token, long position) {
    return token * 1_000_003 + position;
  }

  @Override
  public MemorySegment run(TokenBatch batch) {
    steps.add(batch.count() + "/" + batch.sequenceCount());
    for (int t = 0; t < batch.count(); t++) {
      cache[(int) batch.slot(t)] = entry(batch.token(t), batch.position(t));
    }
    float[] logits = new float[batch.selectedCount() * VOCABULARY];
    for (int r = 0; r < batch.selectedCount(); r++) {
      int t = batch.selected(r);
      long hash = 7;
      for (int p = 0; p <= batch.position(t); p++) {
        int page = (int) batch.page(batch.sequence(t), p / pageSlots);
        hash = hash * 31 + cache[page * pageSlots + p % pageSlots];
      }
      logits[r * VOCABULARY + Math.floorMod(hash, VOCABULARY)] = 1;
    }
    return MemorySegment.ofArray(logits);
  }
}
