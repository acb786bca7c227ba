package dev.deepstack.api;

import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Decoding;
import dev.deepstack.runtime.batch.TokenBatch;
import dev.deepstack.runtime.memory.MachineMemory;
import dev.deepstack.runtime.memory.MemoryNeed;
import dev.deepstack.tensor.InvalidInputException;
import java.util.Map;

/// Whether a decoder fits into memory, said before anything is loaded.
final class MemoryCheck {
  private final CompiledModel compiled;
  private final Decoding decoding;
  private final DecoderOptions options;
  private final int threads;
  private final long slots;

  MemoryCheck(CompiledModel compiled, Decoding decoding, DecoderOptions options, int threads) {
    this.compiled = compiled;
    this.decoding = decoding;
    this.options = options;
    this.threads = threads;
    slots = options.slots(decoding.contextMax(), decoding.pageSlots());
  }

  MemoryNeed need() {
    long sequences = options.sequences();
    long columns = TokenBatch.padded(Math.toIntExact(slots / sequences / decoding.pageSlots()));
    long tokens = Math.max(Math.min(PagedEngine.CHUNK_TOKENS, slots), sequences);
    var names = java.util.List.of("T", "B", "N", "R");
    var sizes = java.util.List.of(tokens, sequences, columns, sequences);
    var largest = new java.util.HashMap<String, Long>();
    for (int i = 0; i < names.size(); i++) {
      largest.put(names.get(i), sizes.get(i));
    }
    return MemoryNeed.of(compiled.programs(), Map.of(Decoding.SLOTS, slots), largest, threads);
  }

  /// Says what is needed and what there is.
  ///
  /// @throws InvalidInputException when that is too little, naming what would fit
  void say(java.util.function.Consumer<String> progress) {
    MemoryNeed need = need();
    long available = MachineMemory.available();
    if (need.total() > available) {
      throw new InvalidInputException(refusal(need, available));
    }
    progress.accept(need.sentence(available, slots));
  }

  String refusal(MemoryNeed need, long available) {
    String sentence = need.sentence(available, slots);
    return "not enough memory: " + sentence.substring(0, sentence.length() - 1) + "; " + advice(need, available);
  }

  private String advice(MemoryNeed need, long available) {
    long rest = available - (need.total() - need.caches());
    long perSlot = Math.max(1, PagedEngine.cacheBytesPerSlot(compiled.general()));
    long fitting = rest / perSlot / options.sequences() / decoding.pageSlots() * decoding.pageSlots();
    if (fitting >= 2L * decoding.pageSlots()) {
      return "--context " + fitting + " would fit";
    }
    if (options.cacheType().equals("f32") && need.total() - need.caches() * 7 / 10 <= available) {
      return "--kv-type q8 would fit";
    }
    return "close other programs, or take a smaller model or a smaller storage format";
  }
}
