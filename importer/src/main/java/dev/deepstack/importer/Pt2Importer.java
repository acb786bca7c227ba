package dev.deepstack.importer;

import dev.deepstack.importer.aten.ProgramImporter;
import dev.deepstack.importer.pt2.Pt2Archive;
import dev.deepstack.importer.pt2.Pt2Model;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/// Reads `.pt2` files, the output of `torch.export.save`, into graphs.
public final class Pt2Importer {
  private Pt2Importer() {}

  /// Reads a file; the tensors are mapped and live as long as `arena`.
  ///
  /// Throws `MalformedModelException` for a broken file, `InvalidInputException` where there is none and
  /// `UnsupportedModelException` naming everything in the program that DeepStack lacks.
  public static ImportedModel read(Path file, Arena arena) {
    return read(Pt2Archive.open(file, arena));
  }

  /// Reads mapped bytes of a file called `name`.
  public static ImportedModel read(MemorySegment bytes, String name, Arena arena) {
    return read(Pt2Archive.open(bytes, name, null, arena));
  }

  /// The graph of a program that has been read.
  public static ImportedModel read(Pt2Model model) {
    return ProgramImporter.read(model);
  }
}
