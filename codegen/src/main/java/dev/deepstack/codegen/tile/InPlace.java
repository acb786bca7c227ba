package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Op;
import dev.deepstack.ir.Value;
import java.util.HashSet;
import java.util.Set;

/// Which scatters write into the memory of the state they update. They may when the state's new value is the end of a
/// chain of scatters that begins with the old one, and nothing reads an earlier link after the next was written.
final class InPlace {
  private final Fusion fusion;
  private final Set<Value> inPlace = new HashSet<>();

  InPlace(Graph graph, Fusion fusion) {
    this.fusion = fusion;
    for (Graph.Output o : graph.outputs()) {
      if (o instanceof Graph.Update(String state, Value value)) {
        follow(graph, state, value);
      }
    }
  }

  boolean isInPlace(Value scatter) {
    return inPlace.contains(scatter);
  }

  private void follow(Graph graph, String state, Value end) {
    var chain = new HashSet<Value>();
    Value link = end;
    for (Value next = target(link); next != null; next = target(link)) {
      chain.add(link);
      link = next;
    }
    if (link.op() instanceof Op.State(String name, var _) && name.equals(state)
        && chain.stream().allMatch(this::isLastReader) && !leavesElsewhere(graph, link, chain)) {
      inPlace.addAll(chain);
    }
  }

  private static @org.jspecify.annotations.Nullable Value target(Value v) {
    return switch (v.op()) {
      case Op.Scatter s -> s.x();
      case Op.ScatterAlong s -> s.x();
      default -> null;
    };
  }

  /// Kernels run in the order of their roots.
  private boolean isLastReader(Value scatter) {
    Value old = java.util.Objects.requireNonNull(target(scatter));
    return fusion.owners(old).stream().allMatch(reader -> reader.id() <= scatter.id());
  }

  /// An earlier link that is itself an output would be overwritten before it is copied out.
  private static boolean leavesElsewhere(Graph graph, Value state, Set<Value> chain) {
    return graph.outputs().stream().map(Graph.Output::value)
        .anyMatch(v -> v.equals(state) || chain.contains(v) && chain.stream().anyMatch(c -> v.equals(target(c))));
  }
}
