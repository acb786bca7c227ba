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
public record MemoryNeed(long weights, long packed, long caches, long activations) {
  /// Code, heap and stacks: measured with small models, whose own parts are a few MB.
  public static final long ITSELF = 170L << 20;

  /// What programs need.
  ///
  /// @param fixed values of the symbols in the sizes of states
  /// @param largest values of all other symbols in the largest step
  public static MemoryNeed of(List<Program> programs, Map<String, Long> fixed, Map<String, Long> largest, int threads) {
    long weights = 0;
    long packed = 0;
    Set<Object> seen = new HashSet<>();
    for (Program program : programs) {
      for (WeightRecipe recipe : program.weights()) {
        if (seen.add(recipe)) {
          switch (recipe.layout()) {
            case PLAIN -> weights += bytes(recipe);
            case PANELS -> packed += panelBytes(recipe, program.panelRows());
          }
        }
      }
    }
    long caches = programs.getFirst().states().stream().mapToLong(s -> bytes(s, fixed)).sum();
    Map<String, Long> sizes = new HashMap<>(largest);
    sizes.putAll(fixed);
    sizes.put(Program.THREADS, (long) threads);
    long activations = programs.stream().mapToLong(p -> activations(p, sizes)).max().orElse(0);
    return new MemoryNeed(weights, packed, caches, activations);
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

  /// All of it.
  public long total() {
    return weights + packed + caches + activations + ITSELF;
  }

  /// One line for people.
  ///
  /// @param available what there is
  /// @param tokens that the caches hold
  public String sentence(long available, long tokens) {
    return String.format(Locale.ROOT, "%s of memory needed (weights %s, packed copies %s, caches for %d tokens %s, "
        + "activations %s, the program itself %s), %s there.", size(total()), size(weights), size(packed), tokens,
        size(caches), size(activations), size(ITSELF),
        available == Long.MAX_VALUE ? "an unknown amount" : size(available));
  }

  /// Bytes for people.
  public static String size(long bytes) {
    return bytes >= 1_000_000_000 ? String.format(Locale.ROOT, "%.2f GB", bytes / 1e9)
        : String.format(Locale.ROOT, "%.0f MB", Math.ceil(bytes / 1e6));
  }
}
