package dev.deepstack.compiler;

import dev.deepstack.api.ModelCompiler;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCodegen;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Specialize;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Program;
import dev.deepstack.program.WeightSource;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// From a checkpoint folder or a GGUF file to programs: like [Pt2Compiler], with a graph that is built and not read.
public final class DecoderCompiler implements ModelCompiler {
  /// One token of one sequence: most steps of most users.
  private static final Map<String, Long> ONE_TOKEN = Map.of("T", 1L, "B", 1L, "R", 1L);

  @Override
  public boolean compiles(Path file) {
    return Files.isDirectory(file) || file.toString().endsWith(".gguf");
  }

  @Override
  public CompiledModel compile(Path file, Options options) {
    CpuTarget cpu = Targets.find(options.cpu());
    ObjectCache cache = options.cached() ? ObjectCache.open(options.progress()) : ObjectCache.none();
    var mapping = new MappedFiles();
    try {
      options.progress().accept("reading " + file.getFileName());
      Checkpoint checkpoint = Checkpoint.open(file, mapping.arena());        // files     -> description, mapped weights
      var kept = new ProgramCache(cache, checkpoint.decoder(), cpu, options.cacheType());
      List<Program> programs = kept.find();
      if (programs == null) {
        programs = programs(checkpoint.decoder(), Pipeline.standard(), cpu, cache, options);
        kept.store(programs);
      }
      return new CompiledModel(programs, new Weights(checkpoint.decoder(), mapping.arena()),
          new LinkedHashMap<>(), checkpoint.decoding().contextMax(), null, checkpoint.decoding(), mapping);
    } catch (RuntimeException | Error e) {
      mapping.close();
      throw e;
    }
  }

  /// @param arena of what must be computed and is kept
  private record Weights(ImportedDecoder decoder, Arena arena) implements WeightSource {
    @Override
    public StridedTensor weight(String name) {
      return decoder.tensor(name, arena);
    }

    @Override
    public StridedTensor weight(String name, Arena scratch) {
      return decoder.tensor(name, scratch);
    }
  }

  /// The programs of a decoder's step, for any batch and for one token.
  ///
  /// @param pipeline the passes to run
  public static List<Program> programs(ImportedDecoder decoder, Pipeline pipeline, Options options) {
    return programs(decoder, pipeline, Targets.find(options.cpu()),
        options.cached() ? ObjectCache.open(options.progress()) : ObjectCache.none(), options);
  }

  private static List<Program> programs(
      ImportedDecoder decoder, Pipeline pipeline, CpuTarget cpu, ObjectCache cache, Options options) {
    Graph step = decoder.graph(new DecoderGraph.Options(cacheType(options), Checkpoint.PAGE_SLOTS));
    var programs = new ArrayList<Program>();
    for (Graph form : List.of(step, Specialize.run(step, ONE_TOKEN))) {
      Graph graph = pipeline.run(form);                                      // graph IR  -> graph IR
      options.progress().accept("compiling for " + cpu.name());
      programs.add(LlvmCodegen.compile(graph, cpu, cache));                  // graph IR  -> kernels -> program
    }
    return programs;
  }

  private static DType cacheType(Options options) {
    return switch (options.cacheType()) {
      case "f32" -> DType.F32;
      case "bf16" -> DType.BF16;
      case "f16" -> DType.F16;
      case "q8" -> DType.I8;
      default -> throw new InvalidInputException("caches cannot be stored as \"" + options.cacheType() + "\"");
    };
  }
}
