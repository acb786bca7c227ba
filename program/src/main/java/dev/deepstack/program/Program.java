package dev.deepstack.program;

import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.DimRange;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/// A compiled model: machine code and everything needed to call it, without the compiler.
///
/// The code exports one function, [#ENTRY]:
///
/// ```
/// void step(ptr buffers, ptr dims, ptr sync, i64 thread, i64 threads)
/// ```
///
/// `buffers` is the table of pointers described by [#buffers]; `dims` holds the symbols' values as i64 in the order of
/// [#symbols]; `sync` is a [StepMemory]. All `threads` threads call it with the same arguments except `thread`; when
/// the last one returns, the results are written and the states updated. The symbol [#THREADS] stands for the number of
/// threads in sizes of slots and is not part of `dims`.
///
/// @param slots bytes of each part of the arena, as alternatives whose largest counts
/// @param computed the symbols that a step finds out and writes into `dims`, with the largest they may be; only the
///     sizes of results have them
/// @param faults sentences for what a call may do wrong
/// @param work multiply-adds of a step, roughly: what decides how many threads are worth waking
/// @param object the relocatable object that holds the code
/// @param cpuFeatures what a CPU must have to run it
/// @param cpu the target's name and vector width, for people
/// @param panelRows rows of a weight panel
public record Program(
    List<Port> inputs,
    List<Port> states,
    List<Port> results,
    SequencedMap<String, DimRange> symbols,
    List<Buffer> buffers,
    List<List<Dim>> slots,
    SequencedMap<String, Dim> computed,
    List<String> faults,
    List<WeightRecipe> weights,
    List<KernelInfo> kernels,
    Dim work,
    byte[] object,
    List<String> cpuFeatures,
    String cpu,
    int panelRows) {
  /// Name of the exported function.
  public static final String ENTRY = "step";

  /// The symbol for the number of threads in slot sizes.
  public static final String THREADS = "threads";

  /// What one kernel of the schedule does, for reports.
  ///
  /// @param kind such as `linear`, `loops`
  /// @param note what it computes, in IR terms
  /// @param function the native function that does it; equal layers share one
  /// @param work multiply-adds, roughly
  /// @param bytes read and written
  public record KernelInfo(String kind, String note, String function, Dim work, Dim bytes) {}

  public Program {
    inputs = List.copyOf(inputs);
    states = List.copyOf(states);
    results = List.copyOf(results);
    symbols = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(symbols));
    buffers = List.copyOf(buffers);
    slots = slots.stream().map(List::copyOf).toList();
    computed = Collections.unmodifiableSequencedMap(new LinkedHashMap<>(computed));
    faults = List.copyOf(faults);
    weights = List.copyOf(weights);
    kernels = List.copyOf(kernels);
    cpuFeatures = List.copyOf(cpuFeatures);
  }
}
