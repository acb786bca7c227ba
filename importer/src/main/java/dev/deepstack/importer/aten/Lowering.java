package dev.deepstack.importer.aten;

/// What one operator of PyTorch becomes.
@FunctionalInterface
interface Lowering {
  /// Reads the arguments from `call` and gives it the results.
  ///
  /// @throws Refusal for arguments that are not supported
  void lower(Call call);
}
