package dev.deepstack.models;

import dev.deepstack.ir.Op;

/// What stands between the gate and up halves of a gated layer and its down projection.
public sealed interface ActivationSpec {
  /// `act(gate) * up`.
  record Gated(Op.Activation function) implements ActivationSpec {}

  /// `silu(min(gate, limit)) * clamp(up, -limit, limit)`.
  record ClampedSilu(double limit) implements ActivationSpec {}

  /// gpt-oss: `g * sigmoid(alpha * g) * (u + 1)` with `g = min(gate, limit)` and `u = clamp(up, -limit, limit)`.
  record SwiGluPlusOne(double alpha, double limit) implements ActivationSpec {}
}
