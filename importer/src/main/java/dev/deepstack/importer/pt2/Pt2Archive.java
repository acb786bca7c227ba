package dev.deepstack.importer.pt2;

import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.Arena;
import java.nio.file.Path;

/// Opens `.pt2` files.
public final class Pt2Archive {
  private Pt2Archive() {}

  /// Reads the program named `model`, or the only one, and maps its weights for the life of `arena`.
  ///
  /// Throws `MalformedModelException` for a broken file and `UnsupportedModelException` for one written in a way
  /// DeepStack does not read.
  public static Pt2Model open(Path file, Arena arena) {
    throw new UnsupportedModelException("not yet readable: " + file + arena);
  }
}
