package dev.deepstack.conformance;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCodegen;
import dev.deepstack.ir.Graph;
import dev.deepstack.program.Buffer;
import dev.deepstack.program.Program;
import dev.deepstack.program.StepMemory;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.program.code.NativeCode;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.program.weight.BlockPacking;
import dev.deepstack.program.weight.Packing;
import dev.deepstack.program.weight.PanelLayout;
import dev.deepstack.program.weight.Winograd;
import dev.deepstack.tensor.DimBinder;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.TensorType;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;

/// A program run in the plainest way, without the runtime: so that a failure here is one of generated code.
final class NativeRun {
  private final Program program;
  private final Map<String, HostTensor> weights;
  private final int threads;
  private final Probe probe;

  private NativeRun(Program program, Map<String, HostTensor> weights, int threads, Probe probe) {
    this.program = program;
    this.weights = weights;
    this.threads = threads;
    this.probe = probe;
  }

  /// Looks at the step from outside.
  interface Probe {
    /// Memory for a packed weight was reserved and not touched yet.
    default void reserved(MemorySegment weight) {}

    /// The step is about to run; the segments hold the weights.
    void before(List<MemorySegment> weights);

    /// The step has run.
    void after(List<MemorySegment> weights);
  }

  private static final Probe NONE = new Probe() {
    @Override
    public void before(List<MemorySegment> weights) {}

    @Override
    public void after(List<MemorySegment> weights) {}
  };

  record Outcome(SequencedMap<String, HostTensor> results, SequencedMap<String, HostTensor> states) {}

  static Outcome run(
      Graph graph, CpuTarget cpu, int threads, Map<String, HostTensor> inputs, Map<String, HostTensor> states,
      Map<String, HostTensor> weights) {
    return run(graph, cpu, threads, inputs, states, weights, NONE);
  }

  static Outcome run(
      Graph graph, CpuTarget cpu, int threads, Map<String, HostTensor> inputs, Map<String, HostTensor> states,
      Map<String, HostTensor> weights, Probe probe) {
    Program program = LlvmCodegen.compile(graph, cpu, ObjectCache.none());
    return new NativeRun(program, weights, threads, probe).run(inputs, states);
  }

  private Outcome run(Map<String, HostTensor> inputs, Map<String, HostTensor> states) {
    try (var arena = Arena.ofShared(); var code = NativeCode.load(program.object())) {
      var types = new LinkedHashMap<String, TensorType>();
      program.inputs().forEach(p -> types.put(p.name(), p.type()));
      var symbols = new HashMap<>(DimBinder.bind(types, program.symbols(), inputs));
      var dims = arena.allocate(8L * Math.max(1, program.symbols().size()), 64);
      int at = 0;
      for (String s : program.symbols().keySet()) {
        dims.setAtIndex(ValueLayout.JAVA_LONG, at++, symbols.getOrDefault(s, 0L));
      }
      symbols.put(Program.THREADS, (long) threads);
      var slots = program.slots().stream().map(sizes -> arena.allocate(
          64 + sizes.stream().mapToLong(d -> d.evaluate(symbols)).max().orElse(0), 64)).toList();
      var results = new LinkedHashMap<String, HostTensor>();
      var after = new LinkedHashMap<String, HostTensor>();
      var weightMemory = new ArrayList<MemorySegment>();
      var table = arena.allocate(8L * program.buffers().size(), 64);
      for (int i = 0; i < program.buffers().size(); i++) {
        MemorySegment memory = switch (program.buffers().get(i)) {
          case Buffer.Input(int p) -> copy(arena, inputs.get(program.inputs().get(p).name())).data();
          case Buffer.State(int p) -> {
            var state = copy(arena, states.get(program.states().get(p).name()));
            after.put(program.states().get(p).name(), state);
            yield state.data();
          }
          case Buffer.Result(int p) -> {
            var port = program.results().get(p);
            long[] shape = port.type().shape().dims().stream()
                .mapToLong(d -> d.atMost(program.computed()).evaluate(symbols)).toArray();
            var padded = arena.allocate(HostTensor.count(shape) * port.type().dtype().bytes() + 64, 64);
            var result = new HostTensor(port.type().dtype(), shape,
                padded.asSlice(0, HostTensor.count(shape) * port.type().dtype().bytes()));
            results.put(port.name(), result);
            yield result.data();
          }
          case Buffer.Weight(int r) -> {
            MemorySegment weight = weight(arena, program.weights().get(r));
            weightMemory.add(weight);
            yield weight;
          }
          case Buffer.Slot(int s) -> slots.get(s);
        };
        table.setAtIndex(ValueLayout.ADDRESS, i, memory);
      }
      probe.before(weightMemory);
      step(arena, code, table, dims);
      probe.after(weightMemory);
      var heapResults = new LinkedHashMap<String, HostTensor>();
      int next = 0;
      for (String s : program.symbols().keySet()) {
        symbols.put(s, dims.getAtIndex(ValueLayout.JAVA_LONG, next++));
      }
      for (var port : program.results()) {
        long[] shape = port.type().shape().evaluate(symbols);
        var data = results.get(port.name()).data().asSlice(0, HostTensor.count(shape) * port.type().dtype().bytes());
        heapResults.put(port.name(), heap(new HostTensor(port.type().dtype(), shape, data)));
      }
      var heapStates = new LinkedHashMap<String, HostTensor>();
      after.forEach((n, t) -> heapStates.put(n, heap(t)));
      return new Outcome(heapResults, heapStates);
    }
  }

  private void step(Arena arena, NativeCode code, MemorySegment table, MemorySegment dims) {
    var handle = Linker.nativeLinker().downcallHandle(code.symbol(Program.ENTRY), FunctionDescriptor.ofVoid(
        ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.ADDRESS, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));
    var sync = arena.allocate(StepMemory.bytes(threads), StepMemory.LINE_BYTES);
    var running = IntStream.range(0, threads).mapToObj(t -> CompletableFuture.runAsync(() -> {
      try {
        handle.invokeExact(table, dims, sync, (long) t, (long) threads);
      } catch (Throwable e) {
        throw new AssertionError(e);
      }
    }, r -> new Thread(r).start())).toArray(CompletableFuture<?>[]::new);
    CompletableFuture.allOf(running).join();
    long check = sync.get(ValueLayout.JAVA_LONG, StepMemory.CHECK);
    if (check != 0) {
      throw new IllegalArgumentException(program.faults().get((int) check - 1));
    }
    if (sync.get(ValueLayout.JAVA_LONG, StepMemory.FAULT) != 0) {
      throw new IndexOutOfBoundsException("the code met an index out of range");
    }
  }

  private static HostTensor copy(Arena arena, HostTensor t) {
    var padded = arena.allocate(t.data().byteSize() + 64, 64).asSlice(0, t.data().byteSize());
    return new HostTensor(t.dtype(), t.shape(), padded.copyFrom(t.data()));
  }

  private static HostTensor heap(HostTensor t) {
    var copy = HostTensor.zeros(t.dtype(), t.shape());
    copy.data().copyFrom(t.data());
    return copy;
  }

  private MemorySegment weight(Arena arena, WeightRecipe recipe) {
    int width = recipe.dtype().bytes();
    long matrix = recipe.rows() * recipe.columns();
    var plain = arena.allocate(recipe.groups() * matrix * width + 64, 64);
    for (long g = 0; g < recipe.groups(); g++) {
      long to = g * matrix;
      for (WeightRecipe.Piece p : recipe.pieces()) {
        MemorySegment source = weights.get(p.weight()).data();
        for (long r = 0; r < p.rows(); r++) {
          for (long c = 0; c < recipe.columns(); c++) {
            long from = p.offset() + g * p.groupStride() + r * p.rowStride() + c / p.inner() * p.columnStride()
                + c % p.inner() * p.innerStride();
            MemorySegment.copy(source, from * width, plain, to++ * width, width);
          }
        }
      }
    }
    if (recipe.layout() == WeightRecipe.Layout.PLAIN) {
      return plain;
    }
    PanelLayout packing = recipe.panels(program.panelRows());
    var packed = LargeMemory.allocate(arena, recipe.groups() * packing.bytes());
    probe.reserved(packed);
    for (long g = 0; g < recipe.groups(); g++) {
      MemorySegment from = plain.asSlice(g * matrix * width, matrix * width);
      MemorySegment to = packed.asSlice(g * packing.bytes(), packing.bytes());
      switch (packing) {
        case Packing p when recipe.layout() == WeightRecipe.Layout.WINOGRAD -> {
          MemorySegment places = arena.allocate(recipe.rows() * p.k() * width, 64);
          Winograd.transform(from, places, recipe.rows(), recipe.columns() / Winograd.TAPS);
          p.pack(places, p.k(), 1, to);
        }
        case Packing p -> p.pack(from, recipe.columns(), 1, to);
        case BlockPacking b -> b.packRows(from, recipe.columns(), 0, recipe.rows(), to, null);
      }
    }
    return packed;
  }

}
