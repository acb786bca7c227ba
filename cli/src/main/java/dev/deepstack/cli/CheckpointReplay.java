package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.cli.verify.DecoderGolden;
import dev.deepstack.cli.verify.DecoderReference;
import dev.deepstack.cli.verify.DecoderReplay;
import dev.deepstack.cli.verify.DecoderReplay.Check;
import dev.deepstack.importer.hf.HfImporter;
import dev.deepstack.models.graph.DecoderGraph.Options;
import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.List;

/// Runs a checkpoint against the results recorded beside it.
///
/// Apart from the command, whose methods the command line looks through even where no importer is installed.
final class CheckpointReplay {
  private CheckpointReplay() {}

  static List<Check> run(VerifyCommand.EngineKind kind, Path folder, LoadOptions options) {
    try (Arena arena = Arena.ofShared()) {
      DecoderGolden golden = DecoderGolden.read(folder, arena);
      int page = Options.DEFAULT.pageSlots();
      return switch (kind) {
        case REFERENCE -> {
          var decoder = HfImporter.read(folder, arena);
          var engine = new DecoderReference(decoder, Options.DEFAULT, DecoderReplay.slots(golden, page), arena);
          yield new DecoderReplay(engine, golden, page).run();
        }
        case NATIVE -> throw new UnsupportedModelException(
            "checkpoint folders are not compiled yet; verify with --engine reference");
      };
    }
  }
}
