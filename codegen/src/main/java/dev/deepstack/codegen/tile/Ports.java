package dev.deepstack.codegen.tile;

import dev.deepstack.program.Buffer;
import dev.deepstack.program.Port;
import dev.deepstack.tensor.TensorType;
import java.util.ArrayList;
import java.util.List;

/// Inputs, states and results of a whole program.
final class Ports implements Tiler.Frame {
  final List<Port> inputs = new ArrayList<>();
  final List<Port> states = new ArrayList<>();
  final List<Port> results = new ArrayList<>();
  private final Plan plan;

  Ports(Plan plan) {
    this.plan = plan;
  }

  @Override
  public Operand input(String name, TensorType type) {
    inputs.add(new Port(name, type));
    return Operand.whole(plan.buffer(new Buffer.Input(inputs.size() - 1)), type);
  }

  @Override
  public Operand state(String name, TensorType type) {
    states.add(new Port(name, type));
    return Operand.whole(plan.buffer(new Buffer.State(states.size() - 1)), type);
  }

  @Override
  public Operand result(String name, TensorType type) {
    results.add(new Port(name, type));
    return Operand.whole(plan.buffer(new Buffer.Result(results.size() - 1)), type);
  }
}
