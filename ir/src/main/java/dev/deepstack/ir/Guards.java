package dev.deepstack.ir;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/// Under which conditions a value is needed: those of all the [Op.Choose] between it and what leaves the graph.
public final class Guards {
  /// One condition and what it has to be.
  public record Guard(Value condition, boolean when) {}

  private final Map<Value, List<Guard>> guards = new HashMap<>();

  private Guards() {}

  public static Guards of(Graph graph) {
    var guards = new Guards();
    graph.outputs().forEach(o -> guards.use(o.value(), List.of()));
    for (Value v : graph.values().reversed()) {
      List<Guard> mine = guards.known(v);
      guards.guards.put(v, mine);
      if (v.op() instanceof Op.Choose(Value condition, Value a, Value b)) {
        guards.use(condition, mine);
        guards.use(a, more(mine, new Guard(condition, true)));
        guards.use(b, more(mine, new Guard(condition, false)));
      } else {
        OpSchema.operands(v.op()).forEach(x -> guards.use(x, mine));
      }
    }
    return guards;
  }

  /// The conditions under which something needs the value, the outermost first; each is known before the value is.
  public List<Guard> of(Value v) {
    return guards.getOrDefault(v, List.of());
  }

  private static List<Guard> more(List<Guard> guards, Guard guard) {
    return java.util.stream.Stream.concat(guards.stream(), java.util.stream.Stream.of(guard)).toList();
  }

  private void use(Value v, List<Guard> under) {
    @Nullable List<Guard> old = guards.get(v);
    guards.put(v, old == null ? under : common(old, under));
  }

  /// The conditions that both begin with.
  public static List<Guard> common(List<Guard> a, List<Guard> b) {
    int end = 0;
    while (end < Math.min(a.size(), b.size()) && a.get(end).equals(b.get(end))) {
      end++;
    }
    return a.subList(0, end);
  }

  private List<Guard> known(Value v) {
    List<Guard> all = of(v);
    int end = 0;
    while (end < all.size() && all.get(end).condition().id() < v.id()) {
      end++;
    }
    return all.subList(0, end);
  }
}
