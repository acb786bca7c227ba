package dev.deepstack.runtime.batch;

import java.lang.foreign.MemorySegment;

/// One step of a decoder over tokens of any sequences.
public interface DecoderStep {
  /// Computes a batch: its tokens' keys and values go into the caches.
  ///
  /// @return logits f32 of the selected tokens, one row after another, until the next call
  MemorySegment run(TokenBatch batch);

  /// How many logits a row has.
  int vocabulary();

  /// Whether a batch may select no token at all.
  default boolean canSelectNothing() {
    return false;
  }
}
