package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Value;
import dev.deepstack.program.Buffer;
import dev.deepstack.program.Port;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.Dim;
import java.util.List;
import java.util.Map;

/// A graph as kernels in the order they run, with a place in memory for everything that crosses from one to another.
///
/// @param graph the legalized graph whose values the kernels name
/// @param memory where each value with memory lies
/// @param slots sizes of the parts of the arena, in bytes, as alternatives whose largest counts
public record TileProgram(
    Graph graph,
    List<Port> inputs,
    List<Port> states,
    List<Port> results,
    List<Buffer> buffers,
    List<WeightRecipe> weights,
    List<List<Dim>> slots,
    Map<Value, Operand> memory,
    List<Step> steps) {
  /// One kernel of the schedule.
  ///
  /// @param reads buffers it reads
  /// @param writes buffers it writes
  /// @param work multiply-adds, roughly
  /// @param bytes read and written, roughly
  public record Step(Kernel kernel, String note, List<Integer> reads, List<Integer> writes, Dim work, Dim bytes) {}

  public TileProgram {
    inputs = List.copyOf(inputs);
    states = List.copyOf(states);
    results = List.copyOf(results);
    buffers = List.copyOf(buffers);
    weights = List.copyOf(weights);
    slots = List.copyOf(slots);
    memory = Map.copyOf(memory);
    steps = List.copyOf(steps);
  }
}
