package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.Model;
import dev.deepstack.cli.verify.NativeEngine;
import dev.deepstack.cli.verify.Recording;
import dev.deepstack.cli.verify.ReferenceEngine;
import dev.deepstack.cli.verify.Replay;
import dev.deepstack.cli.verify.Replay.StepReport;
import dev.deepstack.importer.ImportedModel;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.tensor.InvalidInputException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Replays the recorded calls of one model file.
///
/// Apart from the command, whose methods the command line looks through even where no importer is installed.
final class FileReplay {
  private FileReplay() {}

  static List<StepReport> run(VerifyCommand.EngineKind engine, Path folder, Path file, LoadOptions options) {
    if (engine == VerifyCommand.EngineKind.REFERENCE && file.toString().endsWith(".dsp")) {
      throw new InvalidInputException("the reference engine runs graphs and " + file + " has none; verify the .pt2");
    }
    try (Arena arena = Arena.ofShared()) {
      Recording recording = Recording.read(folder, arena);
      ImportedModel imported = names(folder, file, arena);
      var replay = new Replay(imported, recording);
      return switch (engine) {
        case REFERENCE -> replay.run(new ReferenceEngine(imported, arena));
        case NATIVE -> {
          try (var model = Model.load(file, options)) {
            yield replay.run(new NativeEngine(model.executable()));
          }
        }
      };
    }
  }

  /// A compiled program no longer knows PyTorch's names; the `.pt2` it came from, or `model.pt2`, does.
  private static ImportedModel names(Path folder, Path file, Arena arena) {
    Path source = Path.of(file.toString().replaceAll("\\.dsp$", ".pt2"));
    if (!Files.exists(source)) {
      source = folder.resolve("model.pt2");
    }
    if (!Files.exists(source)) {
      throw new InvalidInputException(file + " can only be verified beside the .pt2 that it was compiled from");
    }
    return Pt2Importer.read(source, arena);
  }
}
