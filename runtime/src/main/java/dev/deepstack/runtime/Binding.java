package dev.deepstack.runtime;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.deepstack.program.Buffer;
import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.tensor.Dim;
import dev.deepstack.tensor.HostTensor;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/// A program with its symbols fixed: inputs to write into, results to read from, and [#step] between the two. Nothing
/// is allocated or looked up in a step.
///
/// The memory belongs to the executable that made the binding and stays valid until that is closed or asked for many
/// other bindings.
public final class Binding {
  private final Executable owner;
  private final Variant variant;
  private final Arena arena = Arena.ofShared();
  private final List<HostTensor> inputs = new ArrayList<>();
  private final List<HostTensor> results = new ArrayList<>();
  private final MemorySegment table;
  private final MemorySegment dims;
  private final Map<String, Long> symbols;
  private final int threads;
  private final long[] slotOffsets;
  private final long slotBytes;
  private long slotsAt;

  Binding(Executable owner, Variant variant, Map<String, Long> symbols) {
    this.owner = owner;
    this.variant = variant;
    this.symbols = Map.copyOf(symbols);
    Program program = variant.program();
    threads = variant.threads(symbols, owner.team().size());
    program.inputs().forEach(p -> inputs.add(allocate(p)));
    program.results().forEach(p -> results.add(allocate(p)));
    dims = arena.allocate(JAVA_LONG.byteSize() * (program.symbols().size() + 1), 64);
    int at = 0;
    for (String symbol : program.symbols().keySet()) {
      dims.setAtIndex(JAVA_LONG, at++, symbols.getOrDefault(symbol, 0L));
    }
    var sizes = new HashMap<>(symbols);
    sizes.put(Program.THREADS, (long) threads);
    slotOffsets = new long[program.slots().size()];
    long end = 0;
    for (int i = 0; i < slotOffsets.length; i++) {
      slotOffsets[i] = end;
      long bytes = program.slots().get(i).stream().mapToLong(d -> d.evaluate(sizes)).max().orElse(0);
      end += Executable.padded(bytes);
    }
    slotBytes = end;
    table = arena.allocate(ADDRESS.byteSize() * (program.buffers().size() + 1), 64);
    fillTable();
  }

  private HostTensor allocate(Port port) {
    Map<String, Dim> computed = variant.program().computed();
    // What a step finds out counts with the most it may be.
    long[] shape = port.type().shape().dims().stream().mapToLong(d -> d.atMost(computed).evaluate(symbols)).toArray();
    long bytes = HostTensor.count(shape) * port.type().dtype().bytes();
    return new HostTensor(port.type().dtype(), shape,
        arena.allocate(Executable.padded(bytes), 64).asSlice(0, bytes));
  }

  private void fillTable() {
    List<Buffer> buffers = variant.program().buffers();
    MemorySegment slots = owner.slots(slotBytes);
    slotsAt = slots.address();
    for (int i = 0; i < buffers.size(); i++) {
      table.setAtIndex(ADDRESS, i, switch (buffers.get(i)) {
        case Buffer.Input(int port) -> inputs.get(port).data();
        case Buffer.Result(int port) -> results.get(port).data();
        case Buffer.State(int port) -> owner.state(variant.program().states().get(port).name()).data();
        case Buffer.Weight(int recipe) -> variant.weights().get(recipe);
        case Buffer.Slot(int slot) -> slots.asSlice(slotOffsets[slot]);
      });
    }
  }

  /// The tensor to fill for an input before [#step].
  public HostTensor input(int port) {
    return inputs.get(port);
  }

  /// The tensor that holds a result after [#step]; overwritten by the next one.
  public HostTensor result(int port) {
    HostTensor whole = results.get(port);
    Program program = variant.program();
    var shape = program.results().get(port).type().shape();
    boolean known = shape.dims().stream().noneMatch(
        d -> d.symbols().stream().anyMatch(program.computed()::containsKey));
    if (known) {
      return whole;
    }
    var now = new HashMap<>(symbols);
    int at = 0;
    for (String symbol : program.symbols().keySet()) {
      now.put(symbol, dims.getAtIndex(JAVA_LONG, at++));
    }
    long[] extents = shape.evaluate(now);
    return new HostTensor(whole.dtype(), extents,
        whole.data().asSlice(0, HostTensor.count(extents) * whole.dtype().bytes()));
  }

  /// The values of the program's symbols.
  public Map<String, Long> symbols() {
    return symbols;
  }

  /// Runs the program on the inputs as they are, updating states and results.
  ///
  /// @throws dev.deepstack.tensor.InvalidInputException when an index was out of range; states are then reset
  public void step() {
    owner.step(this);
  }

  /// The program that runs.
  public Program program() {
    return variant.program();
  }

  Variant variant() {
    return variant;
  }

  int threads() {
    return threads;
  }

  /// Runs one thread's share.
  void run(MemorySegment sync, int thread) {
    variant.call(table, dims, sync, thread, threads);
  }

  /// The arena may have grown since the table was filled.
  void refresh() {
    if (owner.slots(slotBytes).address() != slotsAt) {
      fillTable();
    }
  }

  void close() {
    arena.close();
  }
}
