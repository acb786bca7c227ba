package dev.deepstack.program;

import dev.deepstack.tensor.UnsupportedModelException;
import java.nio.file.Path;

/// The file form of a compiled model, `.dsp`.
public final class ProgramFile {
  private ProgramFile() {}

  /// Reads a `.dsp` file.
  public static CompiledModel read(Path file) {
    throw new UnsupportedModelException(file + " cannot be read: .dsp files are not supported yet");
  }
}
