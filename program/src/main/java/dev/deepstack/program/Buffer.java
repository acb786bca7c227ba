package dev.deepstack.program;

/// What one entry of the pointer table that kernels get points to.
public sealed interface Buffer {
  /// The caller's tensor for [Program#inputs].
  record Input(int port) implements Buffer {}

  /// The tensor that lives between calls for [Program#states], changed in place.
  record State(int port) implements Buffer {}

  /// Where the result for [Program#results] is written.
  record Result(int port) implements Buffer {}

  /// A weight, laid out by [Program#weights].
  record Weight(int recipe) implements Buffer {}

  /// A part of the arena of activations, sized by [Program#slots]; several values take turns in it.
  record Slot(int slot) implements Buffer {}
}
