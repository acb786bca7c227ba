package dev.deepstack.compiler;

import dev.deepstack.api.ModelCompiler;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCodegen;
import dev.deepstack.importer.ImportedDecoder;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Specialize;
import dev.deepstack.models.StoredForm;
import dev.deepstack.models.graph.DecoderGraph;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Program;
import dev.deepstack.program.WeightSource;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.DimRange;
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

  /// From how many tokens on a step rounds activations to bf16 where weights are.
  private static final int MANY_TOKENS = 128;

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
      Checkpoint checkpoint = Checkpoint.open(file, mapping.arena())         // files     -> description, mapped weights
          .forContext(options.context());
      var kept = new ProgramCache(cache, checkpoint.decoder(), cpu, options);
      List<Program> programs = kept.find();
      if (programs == null) {
        programs = forGeneration(checkpoint.decoder(), cpu, cache, options);
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

  private static List<Program> forGeneration(
      ImportedDecoder decoder, CpuTarget cpu, ObjectCache cache, Options options) {
    if (options.exact()) {
      return programs(decoder, Pipeline.exact(), cpu, cache, options);
    }
    List<Program> programs = programs(decoder, Pipeline.standard(), cpu, cache, options);
    if (isBf16(decoder)) {
      programs.add(1, many(decoder, cpu, cache, options));
    }
    return programs;
  }

  private static boolean isBf16(ImportedDecoder decoder) {
    return decoder.forms().containsValue(new StoredForm.Plain(DType.BF16));
  }

  /// The program for many tokens, in which activations are as narrow as bf16 weights: there arithmetic takes the time,
  /// and a prompt's many tokens lose nothing that a model run in bf16 would have.
  private static Program many(ImportedDecoder decoder, CpuTarget cpu, ObjectCache cache, Options options) {
    Graph step = step(decoder, options);
    step.symbol("T", new DimRange(MANY_TOKENS, Integer.MAX_VALUE));
    return LlvmCodegen.compile(Pipeline.generation().run(step), cpu, cache);
  }

  private static Graph step(ImportedDecoder decoder, Options options) {
    return decoder.graph(new DecoderGraph.Options(cacheType(options), Checkpoint.PAGE_SLOTS));
  }

  private static List<Program> programs(
      ImportedDecoder decoder, Pipeline pipeline, CpuTarget cpu, ObjectCache cache, Options options) {
    Graph step = step(decoder, options);
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
