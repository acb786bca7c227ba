package dev.deepstack.api;

import dev.deepstack.runtime.batch.Sequence;
import dev.deepstack.runtime.sample.SamplingOptions;
import java.util.List;
import java.util.function.BooleanSupplier;

/// What turns token ids into further token ids. One answer at a time.
sealed interface Engine permits PagedEngine, SingleEngine {
  /// @param known only the first so many logits count
  /// @param ends tokens that end the answer
  /// @param listener told of every new token; ends the answer by returning false
  /// @param cancelled asked before every step
  record Request(int maxTokens, SamplingOptions sampling, int known, List<Integer> ends, Sequence.Listener listener,
      BooleanSupplier cancelled) {}

  /// Tokens of prompt and answer that the caches can hold.
  long contextMax();

  /// How many logits there are.
  int vocabulary();

  /// Tokens that end an answer, as the model says.
  List<Integer> ends();

  /// Bytes that a decode step reads per token: weights, those of chosen experts only, and caches.
  ///
  /// @param batch sequences that share the step
  /// @param context tokens of each in the caches
  double bytesPerToken(int batch, long context);

  /// Generates. The generation has no text.
  Generation run(int[] prompt, Request request);
}
