package dev.deepstack.codegen.tile;

import dev.deepstack.program.Buffer;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/// The static memory plan: temporaries in slots of the arena that they leave to one another when the last reader is
/// done. What a loop touches and did not make itself stays as long as the loop.
final class Schedule {
  private final List<Buffer> buffers;
  private final Map<Integer, Dim> temporaries;
  private final Map<Integer, Integer> first = new LinkedHashMap<>();
  private final Map<Integer, Integer> last = new HashMap<>();
  private final List<Set<Dim>> slots = new ArrayList<>();
  private int now;

  Schedule(List<Buffer> buffers, Map<Integer, Dim> temporaries, List<Step> steps) {
    this.buffers = buffers;
    this.temporaries = temporaries;
    steps.forEach(this::walk);
    assignSlots();
  }

  List<Buffer> buffers() {
    return buffers;
  }

  List<List<Dim>> slots() {
    return slots.stream().map(List::copyOf).toList();
  }

  private void walk(Step step) {
    now++;
    switch (step) {
      case Step.Run _, Step.Bind _, Step.Check _ -> touch(step);
      case Step.When w -> {
        use(w.condition().buffer());
        w.steps().forEach(this::walk);
        use(w.condition().buffer());
      }
      case Step.Repeat r -> {
        outer(r);
        r.steps().forEach(this::walk);
        now++;
        outer(r);
      }
    }
  }

  private void outer(Step.Repeat r) {
    r.reads().stream().filter(b -> !r.locals().contains(b)).forEach(this::use);
    r.writes().stream().filter(b -> !r.locals().contains(b)).forEach(this::use);
  }

  private void touch(Step step) {
    step.reads().forEach(this::use);
    step.writes().forEach(this::use);
  }

  private void use(int buffer) {
    if (temporaries.containsKey(buffer)) {
      first.putIfAbsent(buffer, now);
      last.put(buffer, now);
    }
  }

  private void assignSlots() {
    Map<Integer, List<Integer>> ends = new HashMap<>();
    last.forEach((buffer, at) -> ends.computeIfAbsent(at, _ -> new ArrayList<>()).add(buffer));
    Map<Integer, List<Integer>> begins = new HashMap<>();
    first.forEach((buffer, at) -> begins.computeIfAbsent(at, _ -> new ArrayList<>()).add(buffer));
    Map<Integer, Integer> slotOf = new HashMap<>();
    Set<Integer> free = new HashSet<>();
    for (int at = 1; at <= now; at++) {
      for (int b : begins.getOrDefault(at, List.of())) {
        int slot = take(free, java.util.Objects.requireNonNull(temporaries.get(b)));
        slotOf.put(b, slot);
        buffers.set(b, new Buffer.Slot(slot));
      }
      ends.getOrDefault(at, List.of()).forEach(b -> free.add(slotOf.get(b)));
    }
  }

  /// A free slot that already has this size, else any free one of comparable kind, else a new one.
  private int take(Set<Integer> free, Dim bytes) {
    Integer best = null;
    for (int slot : free.stream().sorted().toList()) {
      if (slots.get(slot).contains(bytes)) {
        best = slot;
        break;
      }
      boolean sameKind = slots.get(slot).iterator().next().isConstant() == bytes.isConstant();
      if (best == null && sameKind) {
        best = slot;
      }
    }
    if (best == null) {
      slots.add(new HashSet<>());
      best = slots.size() - 1;
    }
    free.remove(best);
    slots.get(best).add(bytes);
    return best;
  }
}
