package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Guards;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.program.Program;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.Shape;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/// Graph IR to kernels: legalizes, decides what gets memory, makes one kernel per root, plans the arena.
public final class Tiler {
  private final Graph graph;
  private final Plan plan;
  private final Frame frame;
  private final Fusion fusion;
  private final InPlace inPlace;
  private final Epilogues epilogues;
  private final Guards guards;
  private final Map<String, Integer> stateBuffers = new HashMap<>();
  private final Map<String, Operand> results = new HashMap<>();
  private final Map<Value, Operand> places = new HashMap<>();
  private final Map<Value, Operand> memory = new HashMap<>();
  private final StepList steps = new StepList();

  /// Where the inputs and results of a graph lie: in the caller's memory, or in that of the loop around a body.
  interface Frame {
    Operand input(String name, TensorType type);

    Operand state(String name, TensorType type);

    Operand result(String name, TensorType type);
  }

  private Tiler(Graph graph, Plan plan, Frame frame) {
    this.graph = graph;
    this.plan = plan;
    this.frame = frame;
    fusion = new Fusion(graph);
    inPlace = new InPlace(graph, fusion);
    epilogues = new Epilogues(graph, fusion);
    guards = Guards.of(graph);
    graph.symbols().forEach(plan.symbols::putIfAbsent);
  }

  /// @param graph verified; composites may be anything
  public static TileProgram lower(Graph graph) {
    var plan = new Plan();
    var ports = new Ports(plan);
    List<Step> steps = steps(graph, plan, ports);
    var schedule = new Schedule(plan.buffers, plan.temporaries, steps);
    return new TileProgram(plan.symbols, plan.computed, plan.counters, plan.faults, ports.inputs, ports.states,
        ports.results, schedule.buffers(), plan.weights, schedule.slots(), steps);
  }

  static List<Step> steps(Graph graph, Plan plan, Frame frame) {
    return new Tiler(Legalize.run(graph), plan, frame).run();
  }

  private List<Step> run() {
    sources();
    resultPlaces();
    for (Value v : List.copyOf(graph.values())) {
      steps.under(guards.of(v));
      if (fusion.isRoot(v) && !epilogues.isFused(v)) {
        root(v);
      }
      steps.under(List.of());
      effects(v);
    }
    outputs();
    return steps.steps(Map.copyOf(memory));
  }

  private void sources() {
    for (Value v : graph.values()) {
      switch (v.op()) {
        case Op.Input(String name, TensorType type) -> memory.put(v, frame.input(name, type));
        case Op.State(String name, TensorType type) -> {
          Operand state = frame.state(name, type);
          stateBuffers.put(name, state.buffer());
          memory.put(v, state);
        }
        case Op.Weight(String name, TensorType type) when fusion.isLive(v) ->
            memory.put(v, Operand.whole(plan.weight(plain(name, type)), type));
        default -> { }
      }
    }
  }

  private static WeightRecipe plain(String name, TensorType type) {
    long elements = type.shape().elements().constant();
    var piece = new WeightRecipe.Piece(name, 0, 1, elements, elements, 1);
    return new WeightRecipe(WeightRecipe.Layout.PLAIN, type.dtype(), 1, 1, elements, List.of(piece));
  }

  private void resultPlaces() {
    for (Graph.Output o : graph.outputs()) {
      if (o instanceof Graph.Result(String name, Value v)) {
        Operand place = frame.result(name, v.type());
        results.put(name, place);
        boolean direct = fusion.isRoot(v) && !inPlace.isInPlace(v);
        if (direct) {
          places.putIfAbsent(v, place);
        }
      }
    }
  }

  /// Where a root is written: to the place of the result if it is one, else into the arena.
  private Operand place(Value v) {
    Operand result = places.get(v);
    Operand operand = result != null ? result : plan.temporary(v.type());
    memory.put(v, operand);
    return operand;
  }

  static Dim bytes(TensorType type) {
    return type.shape().elements().times(type.dtype().bytes());
  }

  /// A value as strides over memory.
  private Operand operand(Value v) {
    Operand known = memory.get(v);
    if (known != null) {
      return known;
    }
    if (v.op() instanceof Op.View view) {
      Operand moved = Views.apply(view, operand(view.x()));
      if (moved != null) {
        return moved;
      }
    }
    throw new IllegalStateException("no memory for " + dev.deepstack.ir.GraphText.line(v));
  }

  private void add(Kernel kernel, Value v) {
    steps.add(kernel, v);
  }

  private void root(Value v) {
    Value product = epilogues.productOf(v);
    if (product != null) {
      if (product.op() instanceof Op.Convolution c) {
        convolution(c, product, v);
      } else {
        linear((Op.Linear) product.op(), product, v);
      }
      return;
    }
    switch (v.op()) {
      case Op.Linear l -> linear(l, v, v);
      case Op.Convolution c -> convolution(c, v, v);
      case Op.RoutedLinear r -> routedLinear(r, v);
      case Op.Attention a -> attention(a, v);
      case Op.Int8Blocks q -> quantize(q, v);
      case Op.Dequantize d -> add(new Kernel.Dequantize(rows(operand(d.x()), d.x().type().dim(-1)), d.format(),
          rows(place(v), v.type().dim(-1))), v);
      case Op.PagedAttention a -> pagedAttention(a, v);
      case Op.Scatter s -> scatter(v, s.x(), s.indices(), s.source(), s.axis(), s.combine(), false);
      case Op.ScatterAlong s -> scatter(v, s.x(), s.indices(), s.source(), s.axis(), s.combine(), true);
      case Op.GroupedMatMul g -> add(
          new Kernel.GroupedMatMul(operand(g.x()), operand(g.w()), operand(g.offsets()), place(v)), v);
      case Op.TopK t -> add(new Kernel.TopK(operand(t.x()), t.k(), t.largest(), place(v)), v);
      case Op.ArgSort a -> add(new Kernel.ArgSort(operand(a.x()), a.descending(), place(v)), v);
      case Op.ArgMax a -> add(
          new Kernel.ArgMax(operand(a.x()), a.x().type().shape().axis(a.axis()), place(v)), v);
      case Op.CumSum c -> add(
          new Kernel.CumSum(operand(c.x()), c.x().type().shape().axis(c.axis()), place(v)), v);
      case Op.Concat(var parts, int axis) -> concat(parts, v.type().shape().axis(axis), v);
      case Op.Pad p -> pad(p, v);
      case Op.Choose c -> choose(c, v);
      case Op.Loop l -> loop(l, v);
      default -> add(new Kernel.Loops(List.of(new Kernel.Nest(place(v), v))), v);
    }
  }

  private void linear(Op.Linear l, Value product, Value root) {
    long columns = l.w().type().dim(0).constant();
    int packed = plan.weight(WeightFolding.recipe(l.w()));
    Operand x = operand(l.x());
    x = l.x().op() instanceof Op.Int8Blocks ? rows(x, x.shape().dim(-1)) : rows(x, l.x().type().dim(-1));
    Operand out = place(root);
    Shape rows = Shape.of(product.type().shape().elements().floorDiv(columns), Dim.of(columns));
    add(new Kernel.Linear(x, packed, product, root, Objects.requireNonNull(out.reshape(rows)), columns,
        scales(l.w())), root);
  }

  private Kernel.@Nullable Scales scales(Value w) {
    return w.op() instanceof Op.ScaleTiles s
        ? new Kernel.Scales(rows(operand(s.scales()), s.scales().type().dim(-1)), s.rows(), s.columns()) : null;
  }

  private void convolution(Op.Convolution c, Value product, Value root) {
    long columns = c.w().type().dim(0).constant();
    WinogradTiles tiles = WinogradTiles.of(c);
    int packed = plan.weight(WeightFolding.recipe(
        c, tiles == null ? WeightRecipe.Layout.PANELS : WeightRecipe.Layout.WINOGRAD));
    Operand x = operand(c.x());
    Operand out = Objects.requireNonNull(place(root).reshape(
        Shape.of(product.type().shape().elements().floorDiv(columns), Dim.of(columns))));
    if (c.groups() > 1) {
      add(new Kernel.DepthwiseConvolution(x, packed, c, product, root, out), root);
      return;
    }
    if (tiles == null) {
      add(new Kernel.Convolution(x, packed, c, product, root, out, columns), root);
      return;
    }
    int scratch = plan.temporary(
        Dim.of(tiles.floats()).times(DType.F32.bytes()).times(Dim.symbol(Program.THREADS)));
    add(new Kernel.WinogradConvolution(x, packed, c, product, root, out, scratch, tiles), root);
  }

  /// The codes take the place of the value's memory: only linear layers with block weights read it.
  private void quantize(Op.Int8Blocks q, Value v) {
    Shape shape = v.type().shape();
    var form = new Int8Rows(shape.dim(-1).constant(), q.group());
    var type = new TensorType(DType.I8, shape.with(-1, Dim.of(form.rowBytes())));
    Operand out = plan.temporary(type);
    memory.put(v, out);
    add(new Kernel.Quantize(rows(operand(q.x()), shape.dim(-1)), form, rows(out, Dim.of(form.rowBytes()))), v);
  }

  private void pagedAttention(Op.PagedAttention a, Value v) {
    Operand q = operand(a.q());
    Operand k = operand(a.k());
    Operand x = operand(a.v());
    int scratch = plan.temporary(PagedBlocks.floats(a).times(DType.F32.bytes()).times(Dim.symbol(Program.THREADS)));
    add(new Kernel.PagedAttention(a, q, k, x, optional(a.kScale()), optional(a.vScale()), operand(a.positions()),
        operand(a.sequences()), operand(a.pages()), optional(a.sinks()), place(v), scratch), v);
  }

  private @Nullable Operand optional(@Nullable Value v) {
    return v == null ? null : operand(v);
  }

  /// All leading axes as one. Where strides can't say that the fusion already asked for a copy.
  private Operand rows(Operand x, Dim columns) {
    return Objects.requireNonNull(x.reshape(Shape.of(x.shape().elements().floorDiv(columns), columns)));
  }

  private void routedLinear(Op.RoutedLinear r, Value v) {
    int packed = plan.weight(WeightFolding.recipe(r.w()));
    Dim pairs = r.ids().type().shape().elements();
    int lists = plan.temporary(pairs.times(2).plus(8).times(Dim.symbol(Program.THREADS)).times(DType.I64.bytes()));
    add(new Kernel.RoutedLinear(operand(r.x()), packed, operand(r.ids()), v, place(v), lists, scales(r.w())), v);
  }

  private void attention(Op.Attention a, Value v) {
    Operand q = operand(a.q());
    Operand k = operand(a.k());
    Operand x = operand(a.v());
    Operand mask = a.mask() == null ? null : operand(a.mask());
    Operand out = place(v);
    AttentionBlocks blocks = AttentionBlocks.of(q, k, x, out);
    // Without blocks: one row of scores per thread, each on cache lines of its own.
    Dim floats = blocks == null ? k.shape().dim(-2).plus(16) : Dim.of(blocks.floats());
    int scratch = plan.temporary(floats.times(DType.F32.bytes()).times(Dim.symbol(Program.THREADS)));
    add(new Kernel.Attention(q, k, x, mask, a.scale(), a.causal(), out, scratch, blocks), v);
  }

  private void scatter(
      Value v, Value x, Value indices, Value source, int axis, Op.Combine combine, boolean along) {
    Operand out;
    if (inPlace.isInPlace(v)) {
      out = operand(x);
      memory.put(v, out);
    } else {
      out = place(v);
      add(new Kernel.Loops(List.of(new Kernel.Nest(out, x))), x);
    }
    add(new Kernel.Scatter(out, operand(indices), source, v.type().shape().axis(axis), combine, along), v);
  }

  private void concat(List<Value> parts, int axis, Value v) {
    Operand out = place(v);
    var nests = new ArrayList<Kernel.Nest>();
    Dim start = Dim.ZERO;
    for (Value part : parts) {
      nests.add(new Kernel.Nest(out.slice(axis, start, part.type().dim(axis)), part));
      start = start.plus(part.type().dim(axis));
    }
    add(new Kernel.Loops(nests), v);
  }

  private void pad(Op.Pad p, Value v) {
    Operand out = place(v);
    Value fill = graph.add(new Op.Expand(graph.constant(p.value(), v), v.type().shape()));
    add(new Kernel.Loops(List.of(new Kernel.Nest(out, fill))), v);
    Operand inner = out;
    Value x = p.x();
    for (int i = 0; i < v.type().rank(); i++) {
      Dim low = p.low().get(i);
      Dim cutLow = cut(low);
      Dim size = x.type().dim(i).minus(cutLow).minus(cut(p.high().get(i)));
      if (!size.equals(x.type().dim(i))) {
        x = graph.add(new Op.Slice(x, i, cutLow, size, 1));
      }
      inner = inner.slice(i, low.plus(cutLow), size);
    }
    add(new Kernel.Loops(List.of(new Kernel.Nest(inner, x))), v);
  }

  /// How many elements a negative padding takes away.
  private static Dim cut(Dim padding) {
    return padding.isConstant() && padding.constant() < 0 ? padding.times(-1) : Dim.ZERO;
  }

  /// One kernel for each side, under its condition.
  private void choose(Op.Choose c, Value v) {
    Operand out = place(v);
    List<Guards.Guard> around = steps.guards();
    for (boolean when : new boolean[] {true, false}) {
      var inside = new ArrayList<>(around);
      inside.add(new Guards.Guard(c.condition(), when));
      steps.under(inside);
      add(new Kernel.Loops(List.of(new Kernel.Nest(out, when ? c.a() : c.b()))), v);
    }
    steps.under(around);
  }

  /// All results of a loop, when the first of them is reached.
  private void loop(Op.Loop l, Value v) {
    if (memory.containsKey(v)) {
      return;
    }
    var frame = new LoopFrame(plan, l, l.given().stream().map(this::operand).toList());
    for (Value other : graph.values()) {
      if (fusion.isRoot(other) && other.op() instanceof Op.Loop m && m.body().equals(l.body())
          && m.initial().equals(l.initial()) && m.given().equals(l.given())) {
        boolean stacked = m.result() >= l.initial().size();
        memory.put(other, stacked ? frame.stack(m.result(), place(other)) : frame.carried(m.result()));
        steps.under(Guards.common(steps.guards(), guards.of(other)));
      }
    }
    for (int i = 0; i < l.initial().size(); i++) {
      add(new Kernel.Loops(List.of(new Kernel.Nest(frame.carried(i), l.initial().get(i)))), l.initial().get(i));
    }
    steps.add(frame.repeat());
  }

  /// What a value does beside being a result.
  private void effects(Value v) {
    for (Graph.Output o : graph.outputs()) {
      if (o.value().equals(v)) {
        switch (o) {
          case Graph.Bind(String symbol, Value value) ->
              steps.add(plan.bind(graph, symbol, operand(value), value));
          case Graph.Check(String otherwise, Value condition) ->
              steps.add(new Step.Check(operand(condition), plan.fault(otherwise)));
          case Graph.Result _, Graph.Update _ -> { }
        }
      }
    }
  }

  /// Results and updates that no kernel wrote to their place yet.
  private void outputs() {
    for (Graph.Output o : graph.outputs()) {
      Operand out = switch (o) {
        case Graph.Result r -> results.get(r.name());
        case Graph.Update u -> stateBuffers.containsKey(u.name())
            ? Operand.whole(Objects.requireNonNull(stateBuffers.get(u.name())), u.value().type()) : null;
        case Graph.Bind _, Graph.Check _ -> null;
      };
      if (out != null && !out.equals(memory.get(o.value()))) {
        add(new Kernel.Loops(List.of(new Kernel.Nest(out, o.value()))), o.value());
      }
    }
  }
}
