package dev.deepstack.cli;

import dev.deepstack.api.LoadOptions;
import dev.deepstack.api.ModelCompiler;
import dev.deepstack.cli.verify.DecoderGolden;
import dev.deepstack.cli.verify.DecoderReference;
import dev.deepstack.cli.verify.DecoderReplay;
import dev.deepstack.cli.verify.DecoderReplay.Check;
import dev.deepstack.cli.verify.NativeEngine;
import dev.deepstack.compiler.DecoderCompiler;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.importer.gguf.GgufDecoder;
import dev.deepstack.importer.gguf.GgufFile;
import dev.deepstack.importer.hf.HfImporter;
import dev.deepstack.models.StoredForm;
import dev.deepstack.models.graph.DecoderGraph.Options;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.Program;
import dev.deepstack.runtime.Executable;
import dev.deepstack.tensor.Safetensors;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Runs a checkpoint against the results recorded beside it.
///
/// Apart from the command, whose methods the command line looks through even where no importer is installed.
final class CheckpointReplay {
  private static final int PAGE = Options.DEFAULT.pageSlots();
  private static final String CACHES = "f32";

  private CheckpointReplay() {}

  /// @param model a checkpoint folder or a GGUF file
  /// @param folder where the recording lies
  /// @param logits gets the prompt's logits as generation computes them, or null
  static List<Check> run(VerifyCommand.EngineKind kind, Path model, Path folder, LoadOptions options,
      @Nullable Path logits) {
    try (Arena arena = Arena.ofShared()) {
      DecoderGolden golden = DecoderGolden.read(folder, arena);
      ImportedDecoder decoder = (Files.isDirectory(model)
          ? HfImporter.read(model, arena) : GgufDecoder.read(GgufFile.open(model, arena))).forContext(golden.tokens());
      golden.requireVocabulary(decoder.spec().vocab());
      return switch (kind) {
        case REFERENCE -> {
          var engine = new DecoderReference(decoder, Options.DEFAULT, DecoderReplay.slots(golden, PAGE), arena);
          var replay = new DecoderReplay(engine, golden, PAGE);
          List<Check> checks = replay.run();
          write(replay, logits);
          yield checks;
        }
        case NATIVE -> compiled(decoder, golden, options, logits, arena);
      };
    }
  }

  /// With f32 activations, which is what was recorded; where weights lie in blocks also with the 8-bit activations that
  /// generation uses.
  private static List<Check> compiled(
      ImportedDecoder decoder, DecoderGolden golden, LoadOptions options, @Nullable Path logits, Arena arena) {
    var checks = new ArrayList<Check>();
    boolean blocks = decoder.forms().values().stream().anyMatch(StoredForm.Blocks.class::isInstance);
    try (Executable exact = open(decoder, Pipeline.exact(), golden, options, arena)) {
      var replay = new DecoderReplay(new NativeEngine(exact), golden, PAGE);
      checks.addAll(replay.run());
      if (!blocks) {
        write(replay, logits);
      }
    }
    if (blocks) {
      try (Executable fast = open(decoder, Pipeline.standard(), golden, options, arena)) {
        var replay = new DecoderReplay(new NativeEngine(fast), golden, PAGE);
        checks.add(replay.nearby("with 8-bit activations"));
        write(replay, logits);
      }
    }
    return checks;
  }

  private static void write(DecoderReplay replay, @Nullable Path logits) {
    if (logits != null) {
      Safetensors.write(logits, Map.of("logits", replay.logits()));
    }
  }

  private static Executable open(
      ImportedDecoder decoder, Pipeline pipeline, DecoderGolden golden, LoadOptions options, Arena arena) {
    int threads = options.threads() > 0 ? options.threads() : Runtime.getRuntime().availableProcessors();
    List<Program> programs = DecoderCompiler.programs(decoder, pipeline,
        new ModelCompiler.Options(options.cpu(), options.cached(), options.progress(), CACHES, true, golden.tokens()));
    return Executable.open(programs, name -> decoder.tensor(name, arena), Map.of(), threads,
        Map.of("S", DecoderReplay.slots(golden, PAGE)), null);
  }
}
