package dev.deepstack.runtime.memory;

import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.program.WeightRecipe;
import dev.deepstack.tensor.HostTensor;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/// Bytes that a model needs when it runs.
///
/// @param weights of the files, read as they are
/// @param packed copies in the order that kernels like best
/// @param caches and other states
/// @param activations what a step computes on its way, inputs and results
/// @param process what this process has before anything of the above is there: the Java machine, the compiler if it was
///     needed, the tokenizer
public record MemoryNeed(long weights, long packed, long caches, long activations, long process) {
  /// What a process still takes beside all of that from then on: stacks, code compiled while it runs, and the part of
  /// its heap that it has not touched yet. Measured with heaps as the launcher bounds them.
  static final long GROWTH_BYTES = 24L << 20;

  /// What programs need.
  ///
  /// @param fixed values of the symbols in the sizes of states
  /// @param largest values of all other symbols in the largest step
  /// @param process bytes that this process has now
  public static MemoryNeed of(List<Program> programs, Map<String, Long> fixed, Map<String, Long> largest, int threads,
      long process) {
    long weights = 0;
    long packed = 0;
    Set<Object> seen = new HashSet<>();
    for (Program program : programs) {
      for (WeightRecipe recipe : program.weights()) {
        if (seen.add(recipe)) {
          switch (recipe.layout()) {
            case PLAIN -> weights += bytes(recipe);
            case PANELS, WINOGRAD -> packed += panelBytes(recipe, program.panelRows());
          }
        }
      }
    }
    long caches = programs.getFirst().states().stream().mapToLong(s -> bytes(s, fixed)).sum();
    Map<String, Long> sizes = new HashMap<>(largest);
    sizes.putAll(fixed);
    sizes.put(Program.THREADS, (long) threads);
    long activations = programs.stream().mapToLong(p -> activations(p, sizes)).max().orElse(0);
    return new MemoryNeed(weights, packed, caches, activations, process);
  }

  private static long bytes(WeightRecipe recipe) {
    return recipe.groups() * recipe.rows() * recipe.columns() * recipe.dtype().bytes();
  }

  private static long panelBytes(WeightRecipe recipe, int panelRows) {
    return recipe.groups() * recipe.panels(panelRows).bytes();
  }

  private static long bytes(Port port, Map<String, Long> sizes) {
    return HostTensor.count(port.type().shape().evaluate(sizes)) * port.type().dtype().bytes();
  }

  private static long activations(Program program, Map<String, Long> sizes) {
    long bytes = program.slots().stream().mapToLong(
        slot -> slot.stream().mapToLong(d -> d.evaluate(sizes)).max().orElse(0)).sum();
    bytes += program.inputs().stream().mapToLong(p -> bytes(p, sizes)).sum();
    return bytes + program.results().stream().mapToLong(p -> bytes(p, sizes)).sum();
  }

  /// All of it: the most that this process has at once, mapped files included.
  public long total() {
    return weights + packed + caches + activations + process + GROWTH_BYTES;
  }

  /// What must still be there.
  public long missing() {
    return total() - process;
  }

  /// One line for people.
  ///
  /// @param available bytes that there are beside those of this process
  /// @param tokens that the caches hold
  /// @param copies what becomes of the packed copies, or nothing
  public String sentence(long available, long tokens, String copies) {
    return String.format(Locale.ROOT, "%s of memory needed (weights %s, packed copies %s%s, caches for %d tokens %s, "
        + "activations %s, the program itself %s), %s there.", size(total()), size(weights), size(packed),
        packed == 0 || copies.isEmpty() ? "" : " " + copies, tokens, size(caches), size(activations),
        size(process + GROWTH_BYTES),
        available == Long.MAX_VALUE ? "an unknown amount" : size(available + process));
  }

  /// Bytes for people.
  public static String size(long bytes) {
    return bytes >= 1_000_000_000 ? String.format(Locale.ROOT, "%.2f GB", bytes / 1e9)
        : String.format(Locale.ROOT, "%.0f MB", Math.ceil(bytes / 1e6));
  }
}
