package dev.deepstack.conformance;

import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.OpSchema;
import dev.deepstack.ir.Specialize;
import dev.deepstack.ir.Value;
import dev.deepstack.ir.Verifier;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimBinder;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Predicate;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// Makes a graph that fails as small as it can, while it fails: fewer results, computed values as inputs, ops left
/// out, sizes as numbers, loops that run once.
final class Shrinker {
  private final Predicate<Sample> fails;
  private int attempts;
  private Sample best;

  private Shrinker(Sample sample, int attempts, Predicate<Sample> fails) {
    this.best = sample;
    this.attempts = attempts;
    this.fails = fails;
  }

  /// @param attempts at most
  /// @param fails whether a graph still fails; a graph without a meaning does not
  static Sample shrink(Sample sample, int attempts, Predicate<Sample> fails) {
    var shrinker = new Shrinker(sample, attempts, fails);
    while (shrinker.attempts > 0 && shrinker.round()) {
      // Each round makes others possible.
    }
    return shrinker.best;
  }

  /// Whether anything became smaller.
  private boolean round() {
    boolean smaller = oneResult();
    smaller |= constantSizes();
    smaller |= cut();
    smaller |= bypass();
    smaller |= bodies();
    smaller |= outputs();
    return smaller;
  }

  private boolean take(Supplier<@Nullable Sample> change) {
    if (attempts <= 0) {
      return false;
    }
    Sample sample;
    try {
      sample = change.get();
      if (sample == null || size(sample.graph()) >= size(best.graph())) {
        return false;
      }
      attempts--;
      Verifier.verify(sample.graph());
      if (!fails.test(sample)) {
        return false;
      }
    } catch (RuntimeException e) {
      // Not a graph any more: not the same failure.
      return false;
    }
    best = sample;
    return true;
  }

  /// Ops first, then symbols, then times that loops repeat.
  private static long size(Graph graph) {
    long size = 0;
    for (Value v : graph.values()) {
      size += v.op() instanceof Op.Source ? 1_000 : 10_000;
      size += v.type().shape().dims().stream().filter(d -> !d.isConstant()).count() * 100;
      if (v.op() instanceof Op.Loop loop) {
        Dim trips = loop.body().trips();
        size += size(loop.body().graph());
        size += trips == null ? 50 : trips.isConstant() ? Math.min(trips.constant(), 40) : 45;
      }
    }
    return size + graph.outputs().size() * 500L;
  }

  private boolean oneResult() {
    for (Value v : best.graph().values()) {
      if (!(v.op() instanceof Op.Source) && take(() -> with(copy(best.graph(), results(v))))) {
        return true;
      }
    }
    return false;
  }

  private List<Graph.Output> results(Value v) {
    var outputs = new ArrayList<Graph.Output>(List.of(new Graph.Result("y", v)));
    best.graph().outputs().stream().filter(o -> o instanceof Graph.Bind || o instanceof Graph.Check)
        .forEach(outputs::add);
    return outputs;
  }

  private boolean constantSizes() {
    return take(() -> {
      Map<String, Long> sizes = symbols();
      best.graph().outputs().forEach(o -> {
        if (o instanceof Graph.Bind) {
          sizes.remove(o.name());
        }
      });
      return with(Specialize.run(best.graph(), sizes));
    });
  }

  private Map<String, Long> symbols() {
    var types = new LinkedHashMap<String, TensorType>();
    best.graph().ops(Op.Input.class).forEach(i -> types.put(i.name(), i.type()));
    return new LinkedHashMap<>(DimBinder.bind(types, best.graph().symbols(), best.inputs()));
  }

  /// Computed values become inputs, the last ones first.
  private boolean cut() {
    boolean smaller = false;
    for (int id = best.graph().values().size() - 2; id >= 0; id = Math.min(id, best.graph().values().size()) - 1) {
      if (id >= best.graph().values().size()) {
        continue;
      }
      Value v = best.graph().values().get(id);
      boolean plain = v.type().shape().dims().stream().allMatch(d -> d.isConstant() || d.equals(Dim.symbol("s")));
      if (v.op() instanceof Op.Source || v.op() instanceof Op.Constant || !plain) {
        continue;
      }
      smaller |= take(() -> {
        var probe = with(copy(best.graph(), results(v)));
        HostTensor tensor = Differential.reference(probe).firstEntry().getValue();
        String name = "cut" + v.id() + "of" + best.graph().values().size();
        return with(copy(best.graph(), best.graph().outputs(), Map.of(), Map.of(v, new Op.Input(name, v.type()))),
            Map.of(name, tensor));
      });
    }
    return smaller;
  }

  /// Ops that are left out in favour of an operand of the same type.
  private boolean bypass() {
    for (Value v : best.graph().values().reversed()) {
      for (Value operand : OpSchema.operands(v.op())) {
        if (operand.type().equals(v.type())
            && take(() -> with(copy(best.graph(), best.graph().outputs(), Map.of(v, operand), Map.of())))) {
          return true;
        }
      }
    }
    return false;
  }

  /// The same inside of loops, and loops that run once.
  private boolean bodies() {
    for (Op.Loop loop : best.graph().ops(Op.Loop.class)) {
      Body body = loop.body();
      if (body.trips() != null && take(() -> with(replaced(body, new Body(body.graph(), body.counter(), Dim.ONE))))) {
        return true;
      }
      for (Value v : body.graph().values().reversed()) {
        if (body.trips() == null && v.type().dtype() != DType.F32) {
          // What counts must go on counting, or the loop never ends.
          continue;
        }
        for (Value operand : OpSchema.operands(v.op())) {
          if (operand.type().equals(v.type()) && take(() -> with(replaced(body,
              body.with(copy(body.graph(), body.graph().outputs(), Map.of(v, operand), Map.of())))))) {
            return true;
          }
        }
      }
    }
    return false;
  }

  private Graph replaced(Body old, Body body) {
    return Body.map(best.graph(), b -> b.equals(old) ? body : b);
  }

  private boolean outputs() {
    for (Graph.Output output : best.graph().outputs()) {
      var others = new ArrayList<>(best.graph().outputs());
      others.remove(output);
      if (!others.isEmpty() && take(() -> with(copy(best.graph(), others)))) {
        return true;
      }
    }
    return false;
  }

  private Sample with(Graph graph) {
    return with(graph, Map.of());
  }

  private Sample with(Graph graph, Map<String, HostTensor> more) {
    var inputs = new LinkedHashMap<String, HostTensor>();
    for (Op.Input input : graph.ops(Op.Input.class)) {
      HostTensor given = more.getOrDefault(input.name(), best.inputs().get(input.name()));
      inputs.put(input.name(), Objects.requireNonNull(given));
    }
    return new Sample(best.name(), graph, inputs, best.weights(), best.atol(), best.rtol());
  }

  private static Graph copy(Graph graph, List<Graph.Output> outputs) {
    return copy(graph, outputs, Map.of(), Map.of());
  }

  /// What the outputs need, some values by others or by ops of their own.
  private static Graph copy(
      Graph graph, List<Graph.Output> outputs, Map<Value, Value> aliases, Map<Value, Op> replaced) {
    Set<Value> needed = new HashSet<>();
    outputs.forEach(o -> need(o.value(), aliases, replaced, needed));
    var copy = new Graph();
    graph.symbols().forEach(copy::symbol);
    Map<Value, Value> made = new HashMap<>();
    for (Value v : graph.values()) {
      if (needed.contains(v)) {
        Value alias = aliases.get(v);
        Op op = replaced.get(v);
        made.put(v, alias != null ? made.get(alias) : copy.add(op != null ? op : OpSchema.map(v.op(), made::get)));
      }
    }
    outputs.forEach(o -> copy.output(o.with(made.get(o.value()))));
    return copy;
  }

  private static void need(Value v, Map<Value, Value> aliases, Map<Value, Op> replaced, Set<Value> needed) {
    if (!needed.add(v) || replaced.containsKey(v)) {
      return;
    }
    Value alias = aliases.get(v);
    (alias != null ? List.of(alias) : OpSchema.operands(v.op())).forEach(o -> need(o, aliases, replaced, needed));
  }
}
