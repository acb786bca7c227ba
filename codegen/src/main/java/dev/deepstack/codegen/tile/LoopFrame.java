package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Body;
import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import dev.deepstack.program.Buffer;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// Where a loop's body finds what it reads and puts what it makes.
///
/// What is carried has a place that the body reads and another that it writes; at the end of each time the second is
/// copied to the first. What is stacked is written where it belongs, at an offset that has the counter in it.
final class LoopFrame implements Tiler.Frame {
  private final Plan plan;
  private final Body body;
  private final Map<String, Operand> inputs = new HashMap<>();
  private final Map<String, Operand> results = new HashMap<>();
  private final List<Operand> carried = new ArrayList<>();
  private final Set<Integer> locals = new HashSet<>();

  /// @param given where the values that stay lie
  LoopFrame(Plan plan, Op.Loop loop, List<Operand> given) {
    this.plan = plan;
    body = loop.body();
    plan.counters.add(body.counter());
    plan.symbols.putIfAbsent(body.counter(), new DimRange(0, Long.MAX_VALUE));
    for (int i = 0; i < given.size(); i++) {
      inputs.put(Body.given(i), given.get(i));
    }
    for (int i = 0; i < loop.initial().size(); i++) {
      TensorType type = loop.initial().get(i).type();
      Operand now = plan.temporary(type);
      carried.add(now);
      inputs.put(Body.carry(i), now);
      results.put(Body.carry(i), stays(i) ? now : local(type));
    }
  }

  /// Whether the body hands on what it took.
  private boolean stays(int i) {
    Value next = Objects.requireNonNull(body.result(Body.carry(i)));
    return next.equals(body.input(Body.carry(i)));
  }

  private Operand local(TensorType type) {
    Operand operand = plan.temporary(type);
    locals.add(operand.buffer());
    return operand;
  }

  Operand carried(int i) {
    return carried.get(i);
  }

  /// Sets the place of a stacked result.
  Operand stack(int result, Operand all) {
    results.put(Body.out(result - carried.size()), all);
    return all;
  }

  @Override
  public Operand input(String name, TensorType type) {
    return Objects.requireNonNull(inputs.get(name));
  }

  @Override
  public Operand state(String name, TensorType type) {
    throw new IllegalStateException("a state inside a loop: " + name);
  }

  @Override
  public Operand result(String name, TensorType type) {
    Operand place = results.get(name);
    if (place == null) {
      return local(type);
    }
    if (inputs.containsKey(name)) {
      return place;
    }
    Dim counter = Dim.symbol(body.counter());
    return new Operand(place.buffer(), type, place.offset().plus(counter.times(place.strides().getFirst())),
        place.strides().subList(1, place.strides().size()));
  }

  Step repeat() {
    int before = plan.buffers.size();
    var steps = new ArrayList<>(Tiler.steps(body.graph(), plan, this));
    for (int b = before; b < plan.buffers.size(); b++) {
      if (plan.buffers.get(b) instanceof Buffer.Slot) {
        locals.add(b);
      }
    }
    var copies = new ArrayList<Kernel.Nest>();
    var graph = new Graph();
    Map<Value, Operand> memory = new HashMap<>();
    for (int i = 0; i < carried.size(); i++) {
      if (!stays(i)) {
        Value next = graph.input("next" + i, carried.get(i).type());
        memory.put(next, Objects.requireNonNull(results.get(Body.carry(i))));
        copies.add(new Kernel.Nest(carried.get(i), next));
      }
    }
    if (!copies.isEmpty()) {
      steps.add(StepList.run(new Kernel.Loops(copies), memory, "carry to the next time"));
    }
    return new Step.Repeat(body.counter(), body.trips(), body.trips() == null ? carried.getFirst() : null, steps,
        locals);
  }
}
