package dev.deepstack.compiler;

import dev.deepstack.api.ModelCompiler;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCodegen;
import dev.deepstack.importer.ImportedModel;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.importer.pt2.Pt2Archive;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Specialize;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.CompiledModel;
import dev.deepstack.program.Program;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.MalformedModelException;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/// From a model file to programs: the whole compile side on one page.
public final class Pt2Compiler implements ModelCompiler {
  @Override
  public boolean compiles(Path file) {
    return file.toString().endsWith(".pt2");
  }

  @Override
  public CompiledModel compile(Path file, Options options) {
    CpuTarget cpu = Targets.find(options.cpu());
    ObjectCache cache = options.cached() ? ObjectCache.open(options.progress()) : ObjectCache.none();
    var mapping = new MappedFiles();
    try {
      MemorySegment bytes = Pt2Archive.map(file, mapping.arena());
      var whole = new ModelCache(cache, bytes, cpu);
      CompiledModel known = whole.find(mapping);
      if (known != null) {
        return known;
      }
      CompiledModel made = compile(bytes, file, cpu, cache, options, mapping);
      whole.store(made);
      return made;
    } catch (RuntimeException | Error e) {
      mapping.close();
      throw e;
    }
  }

  private static CompiledModel compile(
      MemorySegment bytes, Path file, CpuTarget cpu, ObjectCache cache, Options options, MappedFiles mapping) {
    options.progress().accept("reading " + file.getFileName());
    String name = String.valueOf(file.getFileName());
    ImportedModel model = Pt2Importer.read(bytes, name, mapping.arena());   // file      -> graph IR
    var programs = new ArrayList<Program>();
    for (Graph form : forms(model.graph())) {
      Graph graph = Pipeline.standard().run(form);                        // graph IR  -> graph IR
      options.progress().accept("compiling for " + cpu.name());
      programs.add(LlvmCodegen.compile(graph, cpu, cache));               // graph IR  -> kernels -> program
    }
    return new CompiledModel(programs, weight -> weight(model, weight), model.states(), Context.of(model.graph()),
        null, mapping);
  }

  /// The graph as it is, and for a model with caches that takes any number of tokens also the graph for one: in decode,
  /// where most time goes, every size is then a constant.
  private static List<Graph> forms(Graph graph) {
    boolean takesOne = graph.symbols().size() == 1
        && graph.symbols().firstEntry().getValue().contains(1) && !graph.ops(Op.State.class).isEmpty();
    return takesOne
        ? List.of(graph, Specialize.run(graph, Map.of(graph.symbols().firstEntry().getKey(), 1L)))
        : List.of(graph);
  }

  private static StridedTensor weight(ImportedModel model, String name) {
    StridedTensor tensor = model.weights().get(name);
    if (tensor == null) {
      throw new MalformedModelException("the model has no weight " + name + "; export it again");
    }
    return tensor;
  }
}
