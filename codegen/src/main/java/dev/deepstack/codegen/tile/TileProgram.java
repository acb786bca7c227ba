package dev.deepstack.codegen.tile;

import dev.deepstack.program.Buffer;
import dev.deepstack.program.Port;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SequencedMap;
import java.util.Set;

/// A graph as kernels in the order they run, with a place in memory for everything that crosses from one to another.
///
/// @param symbols those of the graph and of the bodies in it, in the order of the table of their values
/// @param computed the symbols that get their value in a step, with the largest that memory is planned for
/// @param counters the symbols that count the times of a loop
/// @param faults sentences for what a call may do wrong
/// @param slots sizes of the parts of the arena, in bytes, as alternatives whose largest counts
public record TileProgram(
    SequencedMap<String, DimRange> symbols,
    SequencedMap<String, Dim> computed,
    Set<String> counters,
    List<String> faults,
    List<Port> inputs,
    List<Port> states,
    List<Port> results,
    List<Buffer> buffers,
    List<WeightRecipe> weights,
    List<List<Dim>> slots,
    List<Step> steps) {
  /// A size before the step: symbols that it computes count with the most they may be, counters as 1.
  public Dim known(Dim size) {
    Map<String, Dim> limits = new HashMap<>(computed);
    limits.replaceAll((_, limit) -> limit.is(Long.MAX_VALUE) ? Dim.ONE : limit);
    counters.forEach(c -> limits.put(c, Dim.ONE));
    return size.atMost(limits);
  }

  /// The same with one more result, at the end, of this type.
  public TileProgram withResult(Port port) {
    var ports = new ArrayList<>(results);
    ports.add(port);
    var table = new ArrayList<>(buffers);
    table.add(new Buffer.Result(results.size()));
    return new TileProgram(symbols, computed, counters, faults, inputs, states, ports, table, weights, slots, steps);
  }

  public TileProgram {
    counters = Set.copyOf(counters);

    faults = List.copyOf(faults);
    inputs = List.copyOf(inputs);
    states = List.copyOf(states);
    results = List.copyOf(results);
    buffers = List.copyOf(buffers);
    weights = List.copyOf(weights);
    slots = List.copyOf(slots);
    steps = List.copyOf(steps);
  }
}
