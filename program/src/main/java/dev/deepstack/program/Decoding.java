package dev.deepstack.program;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// What generation must know about a decoder whose caches are paged.
///
/// Such a program takes `tokens` i64[T], `positions` i64[T], `sequences` i64[T] (the row of `pages` that each token
/// belongs to), `slots` i64[T] (the cache slot that receives the token), `pages` i64[B,N] and `select` i64[R], in this
/// order, and gives `logits` f32[R,vocabulary]. The slot of position p of sequence b is
/// `pages[b, p / pageSlots] * pageSlots + p % pageSlots`. All states have [#SLOTS] entries on one axis; how
/// many these are is said when the model is loaded.
///
/// @param pageSlots cache slots of a page
/// @param contextMax most tokens of one sequence
/// @param vocabulary how many logits there are
/// @param begin the token a text begins with, or -1
/// @param ends tokens that end an answer
/// @param chatTemplate how a conversation becomes a prompt, or null
/// @param vocabularyLists the tokenizer as the metadata of a GGUF file has it: text, numbers, flags and lists of them;
///     empty when a `tokenizer.json` says it
/// @param experts routed experts of a layer, 0 for none
/// @param chosen how many of them each token reads
public record Decoding(
    int pageSlots, long contextMax, int vocabulary, int begin, List<Integer> ends, @Nullable String chatTemplate,
    Map<String, Object> vocabularyLists, int experts, int chosen) {
  /// The symbol for the number of cache slots.
  public static final String SLOTS = "S";

  public Decoding {
    ends = List.copyOf(ends);
    vocabularyLists = Map.copyOf(vocabularyLists);
  }
}
