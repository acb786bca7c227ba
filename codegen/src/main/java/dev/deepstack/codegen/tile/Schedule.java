package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Graph;
import dev.deepstack.ir.Value;
import dev.deepstack.program.Buffer;
import dev.deepstack.tensor.Dim;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/// The static memory plan: kernels in their order, temporaries in slots of the arena that they leave to one another
/// when the last reader is done.
final class Schedule {
  private final Map<Value, Operand> memory;
  private final List<Buffer> buffers;
  private final Map<Integer, Dim> temporaries;
  private final List<TileProgram.Step> steps = new ArrayList<>();
  private final List<Set<Dim>> slots = new ArrayList<>();

  Schedule(
      Graph graph, Map<Value, Operand> memory, List<Buffer> buffers, Map<Integer, Dim> temporaries,
      List<Kernel> kernels, List<String> notes) {
    this.memory = memory;
    this.buffers = buffers;
    this.temporaries = temporaries;
    for (int i = 0; i < kernels.size(); i++) {
      steps.add(step(kernels.get(i), notes.get(i)));
    }
    assignSlots();
  }

  List<TileProgram.Step> steps() {
    return steps;
  }

  List<Buffer> buffers() {
    return buffers;
  }

  List<List<Dim>> slots() {
    return slots.stream().map(List::copyOf).toList();
  }

  private TileProgram.Step step(Kernel kernel, String note) {
    List<Integer> reads = Leaves.reads(kernel, memory);
    List<Integer> writes = Leaves.writes(kernel);
    var costs = new Costs(memory);
    return new TileProgram.Step(kernel, note, reads, writes, costs.work(kernel), costs.bytes(kernel));
  }

  private void assignSlots() {
    Map<Integer, Integer> lastUse = new HashMap<>();
    for (int i = 0; i < steps.size(); i++) {
      for (int b : touched(steps.get(i))) {
        lastUse.put(b, i);
      }
    }
    Map<Integer, Integer> slotOf = new HashMap<>();
    Set<Integer> free = new HashSet<>();
    for (int i = 0; i < steps.size(); i++) {
      for (int b : touched(steps.get(i))) {
        Dim bytes = temporaries.get(b);
        if (bytes != null && !slotOf.containsKey(b)) {
          int slot = take(free, bytes);
          slotOf.put(b, slot);
          buffers.set(b, new Buffer.Slot(slot));
        }
      }
      for (int b : touched(steps.get(i))) {
        Integer slot = slotOf.get(b);
        if (slot != null && Objects.equals(lastUse.get(b), i)) {
          free.add(slot);
        }
      }
    }
  }

  private static Set<Integer> touched(TileProgram.Step step) {
    var touched = new java.util.LinkedHashSet<>(step.reads());
    touched.addAll(step.writes());
    return touched;
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
