package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Kernel;
import dev.deepstack.codegen.tile.Step;
import dev.deepstack.codegen.tile.TileProgram;
import dev.deepstack.codegen.tile.Tiler;
import dev.deepstack.ir.Graph;
import dev.deepstack.program.Buffer;
import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.program.Program.KernelInfo;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;

/// Graph IR to a program for x86-64: kernels as LLVM IR text, equal ones shared, one function that runs the step.
public final class LlvmCodegen {
  private final TileProgram tiles;
  private final ModuleText module;
  private final SequencedMap<String, DimRange> symbols;
  private final Map<String, String> known = new HashMap<>();
  private final IdentityHashMap<Step.Run, String> functions = new IdentityHashMap<>();
  private final List<KernelInfo> kernels = new ArrayList<>();

  private final StepCode.Clock clock;

  private LlvmCodegen(TileProgram tiles, CpuTarget cpu, StepCode.Clock clock) {
    this.tiles = tiles;
    this.clock = clock;
    module = new ModuleText(cpu);
    symbols = tiles.symbols();
  }

  /// Compiles a graph. LLVM is loaded only when the cache does not have the code.
  public static Program compile(Graph graph, CpuTarget cpu, ObjectCache cache) {
    return new LlvmCodegen(Tiler.lower(graph), cpu, StepCode.Clock.NONE).compile(cpu, cache);
  }

  private Program compile(CpuTarget cpu, ObjectCache cache) {
    String ir = text();
    var key = ObjectCache.Key.of(ir, LlvmCompiler.VERSION, cpu.name(), cpu.features());
    byte[] object = cache.get(key, () -> LlvmCompiler.shared().compile(ir, cpu));
    return program(object, cpu);
  }

  /// Compiles a graph into a program that takes the time of its kernels. It has a barrier after each kernel and one
  /// more result, the last: the cycles of each kernel, all its runs in the step together, and those of the step.
  public static ClockedProgram clocked(Graph graph, CpuTarget cpu, ObjectCache cache) {
    TileProgram tiles = Tiler.lower(graph);
    List<ClockedProgram.Use> uses = ClockedProgram.uses(tiles.steps());
    var cycles = new Port(ClockedProgram.CYCLES, new TensorType(DType.I64, Shape.of(Dim.of(uses.size() + 1))));
    var codegen = new LlvmCodegen(tiles.withResult(cycles), cpu, StepCode.Clock.EACH_KERNEL);
    return new ClockedProgram(codegen.compile(cpu, cache), uses);
  }

  /// The LLVM IR of a graph, for people and tests.
  public static String text(Graph graph, CpuTarget cpu) {
    return new LlvmCodegen(Tiler.lower(graph), cpu, StepCode.Clock.NONE).text();
  }

  private String text() {
    tiles.steps().forEach(step -> kernels(step, Dim.ONE));
    StepCode.emit(module, tiles, clock, run -> Objects.requireNonNull(functions.get(run)));
    packers();
    return module.text();
  }

  /// @param times how often the step happens, as far as that is known
  private void kernels(Step step, Dim times) {
    switch (step) {
      case Step.Run run -> {
        String function = function(run);
        functions.put(run, function);
        kernels.add(new KernelInfo(run.kernel().kind(), run.note(), function,
            tiles.known(run.work().times(times)), tiles.known(run.bytes().times(times))));
      }
      case Step.When w -> w.steps().forEach(s -> kernels(s, times));
      case Step.Repeat r -> r.steps().forEach(s -> kernels(s, r.trips() == null ? times : times.times(r.trips())));
      case Step.Bind _, Step.Check _ -> { }
    }
  }

  /// Functions that bring the weights into the order the kernels read.
  private void packers() {
    var panels = tiles.weights().stream().filter(w -> w.layout() != WeightRecipe.Layout.PLAIN).toList();
    panels.stream().map(WeightRecipe::blocks).filter(java.util.Objects::nonNull).distinct()
        .forEach(format -> PackCode.blocks(module, format));
    if (panels.stream().anyMatch(w -> w.blocks() == null)) {
      PackCode.words(module);
    }
  }

  /// The function of a kernel: written once as a trial, whose text tells whether an equal one is there already.
  private String function(Step.Run step) {
    var trial = new ModuleText(module.cpu());
    emit(trial, step, "kernel");
    return known.computeIfAbsent(trial.text(), _ -> {
      String name = step.kernel().kind() + "." + known.size();
      emit(module, step, name);
      return name;
    });
  }

  private void emit(ModuleText into, Step.Run step, String name) {
    var scope = new KernelScope(step.memory(), symbols, StepCode.buffers(step));
    switch (step.kernel()) {
      case Kernel.Linear k -> new LinearCode(k, recipe(k.weight()), scope).emit(into, name);
      case Kernel.Convolution k ->
          new ConvolutionCode(k, recipe(k.weight()), scope).emit(into, name);
      case Kernel.WinogradConvolution k -> new WinogradCode(k, recipe(k.weight()), scope).emit(into, name);
      case Kernel.RoutedLinear k -> new RoutedCode(k, recipe(k.weight()), scope).emit(into, name);
      default -> {
        var f = scope.function(into, name);
        simple(step.kernel(), scope.code(f));
        f.end();
      }
    }
  }

  private static void simple(Kernel kernel, KernelCode code) {
    switch (kernel) {
      case Kernel.Loops(var nests) -> nests.forEach(n -> LoopNest.emit(code, n));
      case Kernel.Attention k -> {
        if (k.blocks() == null) {
          new AttentionCode(code, k).emit();
        } else {
          new BlockAttention(code, k, k.blocks()).emit();
        }
      }
      case Kernel.DepthwiseConvolution k -> new DepthwiseCode(code, k).emit();
      case Kernel.Quantize k -> new QuantizeCode(code, k).emit();
      case Kernel.Dequantize k -> new DequantizeCode(code, k).emit();
      case Kernel.PagedAttention k -> new PagedAttentionCode(code, k).emit();
      case Kernel.GroupedMatMul k -> new GroupedCode(code, k).emit();
      case Kernel.TopK k -> new OrderCode(code).topK(k);
      case Kernel.ArgSort k -> new OrderCode(code).argSort(k);
      case Kernel.ArgMax k -> new OrderCode(code).argMax(k);
      case Kernel.CumSum k -> new OrderCode(code).cumSum(k);
      case Kernel.Scatter k -> new ScatterCode(code, k).emit();
      case Kernel.Linear _, Kernel.Convolution _, Kernel.WinogradConvolution _, Kernel.RoutedLinear _ ->
          throw new IllegalStateException("has its own emitter");
    }
  }

  private WeightRecipe recipe(int buffer) {
    var weight = (Buffer.Weight) tiles.buffers().get(buffer);
    return tiles.weights().get(weight.recipe());
  }

  private Program program(byte[] object, CpuTarget cpu) {
    Dim work = Dim.ZERO;
    for (KernelInfo kernel : kernels) {
      work = work.plus(kernel.work());
    }
    return new Program(tiles.inputs(), tiles.states(), tiles.results(), symbols, tiles.buffers(), tiles.slots(),
        tiles.computed(), tiles.faults(), tiles.weights(), kernels, work, object, cpu.needed(), cpu.name(),
        cpu.lanes());
  }
}
