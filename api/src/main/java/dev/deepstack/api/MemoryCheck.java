package dev.deepstack.api;

import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Decoding;
import dev.deepstack.runtime.PackedCopy;
import dev.deepstack.runtime.memory.MemoryNeed;
import dev.deepstack.tensor.InvalidInputException;
import java.util.ArrayList;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Whether a decoder fits into memory, said before anything is loaded.
final class MemoryCheck {
  private final CompiledModel compiled;
  private final Decoding decoding;
  private final DecoderOptions options;
  private final int threads;
  private final long slots;
  private final long available;
  private final long process;

  /// @param available bytes that there are beside those of this process
  /// @param process bytes that this process has already
  MemoryCheck(CompiledModel compiled, Decoding decoding, DecoderOptions options, int threads, long available,
      long process) {
    this.available = available;
    this.process = process;
    this.compiled = compiled;
    this.decoding = decoding;
    this.options = options;
    this.threads = threads;
    slots = options.slots(decoding.contextMax(), decoding.pageSlots());
  }

  MemoryNeed need() {
    return MemoryNeed.of(compiled.programs(), Map.of(Decoding.SLOTS, slots),
        PagedEngine.largest(compiled.general().inputs(), decoding, slots, options.sequences()), threads, process);
  }

  /// What is needed and what there is, in one sentence.
  ///
  /// @param place where packed weights are kept, or null
  /// @throws InvalidInputException when that is too little, naming what would fit
  String sentence(PackedCopy.@Nullable Place place) {
    MemoryNeed need = need();
    String sentence = need.sentence(available, slots, copies(place));
    if (need.missing() > available) {
      throw new InvalidInputException("not enough memory: " + sentence.substring(0, sentence.length() - 1) + "; "
          + advice(need));
    }
    return sentence;
  }

  /// What becomes of the packed copies: they cost as much of the disk where they are kept, and time where not.
  private String copies(PackedCopy.@Nullable Place place) {
    String file = place == null ? "" : String.valueOf(place.file());
    return switch (PackedCopy.state(place, compiled.programs())) {
      case NONE -> options.packed() ? "" : "made anew at each start";
      case KEPT -> "mapped from " + file;
      case TO_BE_KEPT -> "kept on disk as " + file + " for the next start";
    };
  }

  /// Every option that would be enough by itself.
  private String advice(MemoryNeed need) {
    var enough = new ArrayList<String>();
    if (need.missing() - cachesSaved(need) <= available) {
      enough.add("--kv-type q8");
    }
    long rest = available - (need.missing() - need.caches());
    long fitting = rest / Math.max(1, PagedEngine.cacheBytesPerSlot(compiled.general()));
    long context = fitting / options.sequences() / decoding.pageSlots() * decoding.pageSlots();
    if (context >= 2L * decoding.pageSlots()) {
      enough.add("--context " + context);
    }
    long sequences = fitting / (slots / options.sequences());
    if (options.sequences() > 1 && sequences > 0) {
      enough.add((sequences == 1 ? "one sequence" : sequences + " sequences") + " at a time");
    }
    return enough.isEmpty() ? "close other programs, or take a smaller model or a smaller storage format"
        : String.join(" or ", enough) + " would fit";
  }

  /// What caches of 8 bits would save for certain: a part of 8-bit caches are the scales, and of some models the caches
  /// of positions.
  private long cachesSaved(MemoryNeed need) {
    return switch (options.cacheType()) {
      case "f32" -> need.caches() / 10 * 7;
      case "bf16", "f16" -> need.caches() / 10 * 4;
      default -> 0;
    };
  }
}
