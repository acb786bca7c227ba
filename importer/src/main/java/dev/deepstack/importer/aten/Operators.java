package dev.deepstack.importer.aten;

import java.util.HashMap;
import java.util.Map;
import java.util.SequencedSet;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/// All operators that can be imported, by name. A name with its overload (`aten.view.dtype`) goes before the
/// name without (`aten.view`); the in-place form of an operator (`add_`) is that operator followed by a
/// write.
final class Operators {
  private static final String PREFIX = "torch.ops.";

  private final Map<String, Lowering> lowerings;

  private Operators(Map<String, Lowering> lowerings) {
    this.lowerings = lowerings;
  }

  /// Collects lowerings while the families add theirs.
  static final class Builder {
    private final Map<String, Lowering> lowerings = new HashMap<>();

    /// Adds operators of the namespace `aten`, separated by spaces.
    Builder aten(String names, Lowering lowering) {
      for (String name : names.split(" ")) {
        add("aten." + name, lowering);
      }
      return this;
    }

    Builder add(String name, Lowering lowering) {
      if (lowerings.put(name, lowering) != null) {
        throw new IllegalStateException("two lowerings of " + name);
      }
      return this;
    }
  }

  static Operators all() {
    var table = new Builder();
    Arithmetic.add(table);
    Comparisons.add(table);
    Unaries.add(table);
    Activations.add(table);
    Trigonometry.add(table);
    Views.add(table);
    Assembling.add(table);
    Creation.add(table);
    Reductions.add(table);
    Moments.add(table);
    Ordering.add(table);
    Indexing.add(table);
    Scattering.add(table);
    ScatterReductions.add(table);
    Scans.add(table);
    AdvancedIndexing.add(table);
    Contractions.add(table);
    Convolutions.add(table);
    Pooling.add(table);
    Resizing.add(table);
    Padding.add(table);
    GridSampling.add(table);
    Unfolding.add(table);
    Distances.add(table);
    Products.add(table);
    Norms.add(table);
    Recurrent.add(table);
    DataSizes.add(table);
    AttentionOps.add(table);
    SymbolicInts.add(table);
    ComplexNumbers.add(table);
    Fourier.add(table);
    NoOps.add(table);
    return new Operators(Map.copyOf(table.lowerings));
  }

  /// How a target is lowered, and whether the result is then written into `self`.
  record Entry(Lowering lowering, boolean inPlace) {}

  @Nullable Entry find(String target) {
    String name = target.startsWith(PREFIX) ? target.substring(PREFIX.length()) : target;
    Lowering exact = lowerings.get(name);
    if (exact != null) {
      return new Entry(exact, false);
    }
    int dot = name.lastIndexOf('.');
    String packet = dot < 0 ? name : name.substring(0, dot);
    String overload = dot < 0 ? "" : name.substring(dot);
    Lowering whole = lowerings.get(packet);
    if (whole != null) {
      return new Entry(whole, false);
    }
    String functional = functional(packet);
    if (functional == null) {
      return null;
    }
    Lowering lowering = lowerings.getOrDefault(functional + overload, lowerings.get(functional));
    return lowering == null ? null : new Entry(lowering, true);
  }

  /// The name of an operator without its namespace, its overload and its write: `add` for `torch.ops.aten.add_.Tensor`.
  static String packet(String target) {
    String name = target.startsWith(PREFIX) ? target.substring(PREFIX.length()) : target;
    String[] parts = name.split("\\.", -1);
    String functional = functional(parts[0] + "." + (parts.length > 1 ? parts[1] : ""));
    return functional == null ? parts[parts.length > 1 ? 1 : 0] : functional.substring(parts[0].length() + 1);
  }

  /// The operator without the write: `aten.add` for `aten.add_`, `aten.__and__` for `aten.__iand__`; else
  /// null.
  private static @Nullable String functional(String packet) {
    if (packet.endsWith("__")) {
      return packet.contains(".__i") ? packet.replace(".__i", ".__") : null;
    }
    return packet.endsWith("_") ? packet.substring(0, packet.length() - 1) : null;
  }

  /// All names, sorted: for documentation.
  SequencedSet<String> names() {
    return new TreeSet<>(lowerings.keySet());
  }
}
