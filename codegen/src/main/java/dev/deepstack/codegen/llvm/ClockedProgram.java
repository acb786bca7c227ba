package dev.deepstack.codegen.llvm;

import dev.deepstack.codegen.tile.Step;
import dev.deepstack.program.Program;
import java.util.ArrayList;
import java.util.List;

/// A program that says how long its kernels take, and which memory they touch.
///
/// @param uses of each of [Program#kernels]
public record ClockedProgram(Program program, List<Use> uses) {
  /// Name of the result with the cycles.
  public static final String CYCLES = "deepstack.cycles";

  /// What one kernel touches, as indices into [Program#buffers].
  ///
  /// @param loop number of the outermost loop around the kernel, -1 for none
  public record Use(List<Integer> reads, List<Integer> writes, int loop) {}

  public ClockedProgram {
    uses = List.copyOf(uses);
  }

  /// The kernels' uses in the order in which the step is written.
  static List<Use> uses(List<Step> steps) {
    var uses = new ArrayList<Use>();
    for (int i = 0; i < steps.size(); i++) {
      add(steps.get(i), steps.get(i) instanceof Step.Repeat ? i : -1, uses);
    }
    return uses;
  }

  private static void add(Step step, int loop, List<Use> uses) {
    switch (step) {
      case Step.Run run -> uses.add(new Use(run.reads(), run.writes(), loop));
      case Step.When when -> when.steps().forEach(s -> add(s, loop, uses));
      case Step.Repeat repeat -> repeat.steps().forEach(s -> add(s, loop, uses));
      case Step.Bind _, Step.Check _ -> { }
    }
  }
}
