package dev.deepstack.api;

import dev.deepstack.tensor.InvalidInputException;
import java.util.List;

/// What a decoder with paged caches is loaded for.
///
/// @param context tokens of prompt and answer that each sequence may have; 0 takes the model's own, at most
///     [#CONTEXT_USUAL]
/// @param sequences that run together at most; the caches have room for all
/// @param cacheType how caches are stored: `f32`, `bf16`, `f16` or `q8`
/// @param exact whether activations stay f32 throughout; otherwise products take them in 8 bits where weights lie
///     in blocks, and in steps of 128 and more tokens in bf16 where weights are bf16
/// @param packed whether packed weights are kept beside the model, to be mapped at the next start
public record DecoderOptions(long context, int sequences, String cacheType, boolean exact, boolean packed) {
  /// The most context that nobody had to ask for.
  public static final long CONTEXT_USUAL = 4096;

  private static final List<String> TYPES = List.of("f32", "bf16", "f16", "q8");

  public DecoderOptions {
    if (context < 0 || sequences < 1) {
      throw new InvalidInputException("the context must be a positive number of tokens and there must be a sequence, "
          + "not " + context + " and " + sequences);
    }
    if (!TYPES.contains(cacheType)) {
      throw new InvalidInputException("caches are stored as " + String.join(", ", TYPES) + ", not as \"" + cacheType
          + "\"");
    }
  }

  public static DecoderOptions standard() {
    return new DecoderOptions(0, 1, "f32", false, true);
  }

  public DecoderOptions withContext(long tokens) {
    return new DecoderOptions(tokens, sequences, cacheType, exact, packed);
  }

  public DecoderOptions withSequences(int count) {
    return new DecoderOptions(context, count, cacheType, exact, packed);
  }

  /// Tokens that each sequence may have, if the model is made for as many.
  long contextWanted() {
    return context == 0 ? CONTEXT_USUAL : context;
  }

  /// Cache slots in whole pages for all sequences.
  long slots(long contextMax, int pageSlots) {
    long each = Math.min(contextMax, contextWanted());
    return Math.multiplyExact(Math.ceilDiv(each, (long) pageSlots) * pageSlots, (long) sequences);
  }
}
