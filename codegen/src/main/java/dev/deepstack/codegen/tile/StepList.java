package dev.deepstack.codegen.tile;

import dev.deepstack.ir.GraphText;
import dev.deepstack.ir.Guards.Guard;
import dev.deepstack.ir.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/// Kernels and other steps of one graph as they are found, each under the conditions that hold where it was added.
final class StepList {
  /// Made when all is known, since a kernel reads the memory of values that get it later.
  private record Placed(List<Guard> guards, Function<Map<Value, Operand>, Step> step) {}

  private final List<Placed> placed = new ArrayList<>();
  private List<Guard> guards = List.of();

  /// The conditions for what is added from now on.
  void under(List<Guard> conditions) {
    guards = List.copyOf(conditions);
  }

  List<Guard> guards() {
    return guards;
  }

  void add(Step step) {
    placed.add(new Placed(guards, _ -> step));
  }

  /// @param v what it computes, for reports
  void add(Kernel kernel, Value v) {
    String note = GraphText.line(v);
    placed.add(new Placed(guards, memory -> run(kernel, memory, note)));
  }

  static Step.Run run(Kernel kernel, Map<Value, Operand> memory, String note) {
    var costs = new Costs(memory);
    return new Step.Run(kernel, memory, note, Leaves.reads(kernel, memory), Leaves.writes(kernel), costs.work(kernel),
        costs.bytes(kernel));
  }

  /// The steps in order, neighbours under one condition together.
  List<Step> steps(Map<Value, Operand> memory) {
    return group(placed, 0, memory);
  }

  private static List<Step> group(List<Placed> all, int depth, Map<Value, Operand> memory) {
    var steps = new ArrayList<Step>();
    for (int i = 0; i < all.size(); ) {
      Placed head = all.get(i);
      if (head.guards.size() == depth) {
        steps.add(head.step.apply(memory));
        i++;
        continue;
      }
      Guard guard = head.guards.get(depth);
      int end = i;
      while (end < all.size() && all.get(end).guards.size() > depth && all.get(end).guards.get(depth).equals(guard)) {
        end++;
      }
      steps.add(new Step.When(java.util.Objects.requireNonNull(memory.get(guard.condition())), guard.when(),
          group(all.subList(i, end), depth + 1, memory)));
      i = end;
    }
    return steps;
  }
}
