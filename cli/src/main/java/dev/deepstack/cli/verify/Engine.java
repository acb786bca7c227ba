package dev.deepstack.cli.verify;

import dev.deepstack.tensor.HostTensor;
import java.util.Map;

/// A live instance of a model: whatever runs it.
public interface Engine {
  /// What one call leaves.
  ///
  /// @param results by name
  /// @param states every state after the call, by name
  record Outputs(Map<String, HostTensor> results, Map<String, HostTensor> states) {}

  /// Runs one call; states carry over from the call before.
  Outputs step(Map<String, HostTensor> inputs);

  /// Sets the states to their stored values.
  void reset();
}
