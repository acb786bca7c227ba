package dev.deepstack.compiler;

import dev.deepstack.program.CompiledModel;
import java.lang.foreign.Arena;

/// A model's mapped files, for as long as their weights are needed.
final class MappedFiles implements CompiledModel.Backing {
  private final Arena arena = Arena.ofShared();

  Arena arena() {
    return arena;
  }

  @Override
  public void close() {
    arena.close();
  }
}
