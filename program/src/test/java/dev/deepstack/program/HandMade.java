package dev.deepstack.program;

import dev.deepstack.program.BlockWriter.Extent;
import dev.deepstack.program.Program.KernelInfo;
import dev.deepstack.program.WeightRecipe.Layout;
import dev.deepstack.program.WeightRecipe.Piece;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.TensorType;
import java.lang.foreign.MemorySegment;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;

/// A model that uses every part of the file format and computes nothing.
final class HandMade {
  /// Names of all weights.
  static final List<String> WEIGHTS = List.of("empty", "plain", "shared", "sharedToo", "strided");

  /// Memory for blocks that are not in a file.
  static final MemorySegment DATA = MemorySegment.ofArray(new byte[4096]);

  private static final Dim T = Dim.symbol("T");
  private static final SequencedMap<String, StridedTensor> TENSORS = tensors();
  private static final StridedTensor CACHE = StridedTensor.of(HostTensor.of(new float[] {1, 2, 3, 4}, 2, 2));

  /// Places of all tensors in [#DATA].
  static final Map<Extent, Long> PLACES = places();

  private HandMade() {}

  private static SequencedMap<String, StridedTensor> tensors() {
    var tensors = new LinkedHashMap<String, StridedTensor>();
    var shared = HostTensor.of(new float[48], 6, 8).data();
    tensors.put("empty", StridedTensor.of(HostTensor.of(new float[0], 0, 3)));
    tensors.put("plain", StridedTensor.of(HostTensor.of(new float[] {0, 1, 2, 3, 4, 5}, 2, 3)));
    tensors.put("shared", new StridedTensor(DType.F32, new long[] {6, 8}, new long[] {8, 1}, 0, shared));
    tensors.put("sharedToo", new StridedTensor(DType.F32, new long[] {2, 8}, new long[] {8, 1}, 16, shared));
    tensors.put("strided", new StridedTensor(DType.F32, new long[] {8, 6}, new long[] {1, 8}, 0,
        HostTensor.of(new float[48], 48).data()));
    return tensors;
  }

  private static Map<Extent, Long> places() {
    var places = new LinkedHashMap<Extent, Long>();
    long at = 0;
    for (StridedTensor t : TENSORS.values()) {
      at += places.putIfAbsent(Extent.of(t), at) == null ? t.storage().byteSize() : 0;
    }
    places.put(Extent.of(CACHE), at);
    return places;
  }

  /// The weights as a writer takes them.
  static SequencedMap<String, StridedTensor> weights() {
    return TENSORS;
  }

  static CompiledModel model() {
    Program p = program();
    var one = new Program(p.inputs(), p.states(), p.results(), new LinkedHashMap<>(), List.of(), List.of(),
        new LinkedHashMap<>(), List.of(), List.of(), List.of(), Dim.of(3), new byte[] {9}, List.of(), "special", 16);
    var special = ports(one, TensorType.of(DType.I64, 1, 1), TensorType.of(DType.F32, 1, 8));
    return model(List.of(p, special));
  }

  static CompiledModel model(List<Program> programs) {
    var states = new LinkedHashMap<String, StridedTensor>();
    states.put("cache", CACHE);
    return new CompiledModel(programs, name -> Objects.requireNonNull(TENSORS.get(name)), states, 24,
        "{\"model\": \"ä\u0000🙂\"}", () -> {});
  }

  private static Program ports(Program p, TensorType input, TensorType result) {
    return new Program(List.of(new Port("tokens", input)), p.states(), List.of(new Port("logits", result)), p.symbols(),
        p.buffers(), p.slots(), p.computed(),
        p.faults(), p.weights(), p.kernels(), p.work(), p.object(), p.cpuFeatures(), p.cpu(),
        p.panelRows());
  }

  static Program program() {
    var symbols = new LinkedHashMap<String, DimRange>();
    symbols.put("T", new DimRange(1, 24));
    symbols.put("B", new DimRange(0, Long.MAX_VALUE));
    Dim threads = Dim.symbol(Program.THREADS);
    List<WeightRecipe> recipes = List.of(
        new WeightRecipe(Layout.PLAIN, DType.F32, 1, 1, 6, List.of(new Piece("plain", 0, 1, 6, 6, 1))),
        new WeightRecipe(Layout.PLAIN, DType.F32, 1, 1, 0, List.of(new Piece("empty", 0, 1, 0, 0, 1))),
        new WeightRecipe(Layout.PANELS, DType.F32, 2, 4, 8,
            List.of(new Piece("shared", 0, 3, 24, 8, 1), new Piece("sharedToo", 0, 1, 8, 8, 1))),
        new WeightRecipe(Layout.PANELS, DType.F32, 1, 6, 8, List.of(new Piece("strided", 0, 6, 48, 1, 6))));
    List<Buffer> buffers = List.of(new Buffer.Input(0), new Buffer.State(0), new Buffer.Result(0),
        new Buffer.Weight(0), new Buffer.Weight(1), new Buffer.Weight(2), new Buffer.Weight(3), new Buffer.Slot(0));
    List<KernelInfo> kernels = List.of(
        new KernelInfo("linear", "y = x w", "linear_0", T.times(64), T.times(4).plus(7)),
        new KernelInfo("loops", "", "loops_1", Dim.of(0), T.floorDiv(2).max(Dim.symbol("B"))));
    return new Program(
        List.of(new Port("tokens", new TensorType(DType.I64, Shape.of(Dim.of(1), T)))),
        List.of(new Port("cache", TensorType.of(DType.F32, 2, 2))),
        List.of(new Port("logits", new TensorType(DType.F32, Shape.of(T, Dim.of(8))))),
        symbols, buffers, List.of(List.of(T.times(4), threads.times(T).times(8)), List.of()),
        new LinkedHashMap<>(),
        List.of("x is too long; shorten it"), recipes, kernels,
        T.times(1000).plus(T.mod(Dim.of(3))), new byte[] {1, 2, 3, -1}, List.of("avx2", "sse4.2"),
        "AVX2, 256 bits", 16);
  }

  static Program with(Program p, List<Buffer> buffers) {
    return new Program(p.inputs(), p.states(), p.results(), p.symbols(), buffers, List.of(List.of(Dim.of(64))),
        p.computed(), p.faults(), p.weights(), p.kernels(), p.work(), p.object(), p.cpuFeatures(), p.cpu(),
        p.panelRows());
  }

  static Program withWeight(Program p, String name, long offset, long columns) {
    var recipe = new WeightRecipe(Layout.PLAIN, DType.F32, 1, 1, columns,
        List.of(new Piece(name, offset, 1, 6, 6, 1)));
    return new Program(p.inputs(), p.states(), p.results(), p.symbols(), List.of(), p.slots(), p.computed(),
        p.faults(), List.of(recipe),
        p.kernels(), p.work(), p.object(), p.cpuFeatures(), p.cpu(), p.panelRows());
  }

  static Program withFeatures(Program p, List<String> features) {
    return new Program(p.inputs(), p.states(), p.results(), p.symbols(), p.buffers(), p.slots(), p.computed(),
        p.faults(), p.weights(),
        p.kernels(), p.work(), p.object(), features, p.cpu(), p.panelRows());
  }

  static Program withoutSymbols(Program p) {
    return new Program(p.inputs(), p.states(), p.results(), new LinkedHashMap<>(), p.buffers(), p.slots(), p.computed(),
        p.faults(), p.weights(),
        p.kernels(), p.work(), p.object(), p.cpuFeatures(), p.cpu(), p.panelRows());
  }
}
