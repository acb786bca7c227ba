package dev.deepstack.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.program.StepMemory;
import dev.deepstack.program.WeightSource;
import dev.deepstack.program.code.CpuFeatures;
import dev.deepstack.program.code.LargeMemory;
import dev.deepstack.tensor.DimBinder;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.StridedTensor;
import dev.deepstack.tensor.TensorType;
import dev.deepstack.tensor.UnsupportedModelException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.jspecify.annotations.Nullable;

/// A program ready to run: code, weights and states in memory, threads waiting.
///
/// The first program says what the model is; further ones are specialisations of it with some symbols fixed, chosen
/// when a call's shapes fit. All methods may be called from any thread, one at a time.
public final class Executable implements AutoCloseable {
  private static final int BINDINGS_MAX = 16;

  private final Arena arena = Arena.ofShared();
  private final Team team;
  private final List<Variant> variants = new ArrayList<>();
  private final SequencedMap<String, HostTensor> states = new LinkedHashMap<>();
  private final Map<String, StridedTensor> initial;
  private final SequencedMap<Map<String, Long>, Binding> bindings = new LinkedHashMap<>();
  private final MemorySegment sync;
  private final long packedBytes;
  private final @Nullable PackedCopy copy;
  private final PageLoader loader;
  private final Map<String, Long> fixed;
  private boolean closed;
  private Slots slots = new Slots(0);

  /// One size of the arena of activations.
  private static final class Slots {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment memory;

    Slots(long bytes) {
      memory = LargeMemory.allocate(arena, bytes);
    }
  }

  private Executable(
      List<Program> programs, WeightSource weights, Map<String, StridedTensor> initial, int threads,
      Map<String, Long> fixed, PackedCopy.@Nullable Place place) {
    this.initial = Map.copyOf(initial);
    this.fixed = Map.copyOf(fixed);
    sync = arena.allocate(StepMemory.bytes(threads), StepMemory.LINE_BYTES);
    for (Port port : programs.getFirst().states()) {
      states.put(port.name(), allocate(port));
    }
    try {
      copy = PackedCopy.of(place, programs, arena);
      if (copy != null) {
        copy.read(arena);
      }
      var memory = new WeightMemory(arena, weights, programs.getFirst().panelRows(), copy);
      programs.forEach(p -> variants.add(Variant.load(p, memory)));
      packedBytes = memory.packedBytes();
      reset();
      loader = memory.done();
    } catch (RuntimeException | Error e) {
      release();
      throw e;
    }
    team = new Team(threads);
  }

  /// @param programs the general program first
  /// @param weights the checkpoint; must stay mapped while this is open
  /// @param initial values of the states before the first step; absent ones begin as zeros
  /// @param threads how many may run a step together, at most one per processor
  /// @throws UnsupportedModelException when this CPU lacks what the code needs
  public static Executable open(
      List<Program> programs, WeightSource weights, Map<String, StridedTensor> initial, int threads) {
    return open(programs, weights, initial, threads, Map.of(), null);
  }

  /// As [#open(List, WeightSource, Map, int)], with symbols whose values stay as they are while this is open: those in
  /// the sizes of states, such as how much the caches hold.
  ///
  /// @param place where packed weights are kept for the next start, or null for nowhere
  public static Executable open(List<Program> programs, WeightSource weights, Map<String, StridedTensor> initial,
      int threads, Map<String, Long> fixed, PackedCopy.@Nullable Place place) {
    for (Port state : programs.getFirst().states()) {
      for (var dim : state.type().shape().dims()) {
        if (!fixed.keySet().containsAll(dim.symbols())) {
          throw new InvalidInputException("the size of state " + state.name() + " is " + dim
              + ", and nobody said how large that is");
        }
      }
    }
    if (threads < 1 || threads > 1024) {
      throw new InvalidInputException("threads must be between 1 and 1024, not " + threads);
    }
    for (Program program : programs) {
      var missing = CpuFeatures.host().missing(program.cpuFeatures());
      if (!missing.isEmpty()) {
        throw new UnsupportedModelException("the program was compiled for " + program.cpu() + ", and this CPU lacks "
            + String.join(", ", missing) + "; compile it here, or with --cpu avx2");
      }
    }
    // Threads of a step wait for one another by spinning: more of them than processors would only be in the way.
    int useful = Math.min(threads, Runtime.getRuntime().availableProcessors());
    return new Executable(programs, weights, initial, useful, fixed, place);
  }

  static long padded(long bytes) {
    return (bytes + 127) & -64;
  }

  private HostTensor allocate(Port port) {
    long[] shape = port.type().shape().evaluate(fixed);
    long bytes = HostTensor.count(shape) * port.type().dtype().bytes();
    return new HostTensor(port.type().dtype(), shape, LargeMemory.allocate(arena, padded(bytes)).asSlice(0, bytes));
  }

  private Program general() {
    return variants.getFirst().program();
  }

  public List<Port> inputs() {
    return general().inputs();
  }

  public List<Port> results() {
    return general().results();
  }

  /// Ranges of the symbols in the types of inputs and results.
  public SequencedMap<String, DimRange> symbols() {
    return general().symbols();
  }

  /// The programs, the general one first.
  public List<Program> programs() {
    return variants.stream().map(Variant::program).toList();
  }

  public int threads() {
    return team.size();
  }

  /// Bytes allocated for packed copies of weights.
  public long packedBytes() {
    return packedBytes;
  }

  /// The states as they are now, by name. They change with every step; write to them to restore a saved state.
  public SequencedMap<String, HostTensor> states() {
    return java.util.Collections.unmodifiableSequencedMap(states);
  }

  /// Every state as it was before the first step.
  public synchronized void reset() {
    states.forEach((name, state) -> {
      StridedTensor value = initial.get(name);
      if (value == null) {
        state.data().fill((byte) 0);
      } else {
        try (Arena scratch = Arena.ofConfined()) {
          state.data().copyFrom(value.contiguous(scratch).data());
        }
      }
    });
  }

  /// Runs the program once. The results are copies, for the caller to keep.
  ///
  /// @throws InvalidInputException when the inputs do not fit, in name, dtype or shape
  public synchronized SequencedMap<String, HostTensor> run(Map<String, HostTensor> inputs) {
    Binding binding = bind(inputs);
    for (int i = 0; i < inputs().size(); i++) {
      HostTensor given = Objects.requireNonNull(inputs.get(inputs().get(i).name()));
      binding.input(i).data().copyFrom(given.data());
    }
    binding.step();
    var results = new LinkedHashMap<String, HostTensor>();
    for (int i = 0; i < results().size(); i++) {
      HostTensor result = binding.result(i);
      HostTensor copy = HostTensor.zeros(result.dtype(), result.shape());
      copy.data().copyFrom(result.data());
      results.put(results().get(i).name(), copy);
    }
    return results;
  }

  /// A binding for inputs of the shapes of `examples`.
  public synchronized Binding bind(Map<String, HostTensor> examples) {
    var types = new LinkedHashMap<String, TensorType>();
    inputs().forEach(p -> types.put(p.name(), p.type()));
    return bindSymbols(DimBinder.bind(types, symbols(), examples));
  }

  /// A binding for these values of the symbols.
  public synchronized Binding bindSymbols(Map<String, Long> values) {
    Binding known = bindings.get(values);
    return known != null ? known : bindNew(values);
  }

  private Binding bindNew(Map<String, Long> given) {
    Map<String, Long> values = new HashMap<>(given);
    values.putAll(fixed);
    if (bindings.size() == BINDINGS_MAX) {
      bindings.pollFirstEntry().getValue().close();
    }
    var binding = new Binding(this, variant(values), values);
    bindings.put(Map.copyOf(given), binding);
    return binding;
  }

  /// The most special program whose input types say the same under these values, and that is made for them.
  private Variant variant(Map<String, Long> values) {
    return variants.reversed().stream().filter(v -> v.program().inputs().stream().allMatch(p -> fits(p, values))
        && isWithin(v.program().symbols(), values)).findFirst().orElse(variants.getFirst());
  }

  private static boolean isWithin(Map<String, DimRange> symbols, Map<String, Long> values) {
    return symbols.entrySet().stream().allMatch(s -> !values.containsKey(s.getKey())
        || s.getValue().contains(Objects.requireNonNull(values.get(s.getKey()))));
  }

  private boolean fits(Port port, Map<String, Long> values) {
    Port declared = inputs().stream().filter(p -> p.name().equals(port.name())).findFirst().orElseThrow();
    long[] asked = declared.type().shape().evaluate(values);
    return port.type().shape().dims().stream().allMatch(d -> values.keySet().containsAll(d.symbols()))
        && java.util.Arrays.equals(asked, port.type().shape().evaluate(values));
  }

  /// Takes the memory that a step with these values of the symbols needs from the system now, so that no later step
  /// meets a system that has no more.
  public synchronized void reserve(Map<String, Long> values) {
    bindSymbols(values);
    slots.memory.fill((byte) 0);
  }

  Team team() {
    return team;
  }

  HostTensor state(String name) {
    return Objects.requireNonNull(states.get(name));
  }

  /// The arena of activations, at least this large.
  MemorySegment slots(long bytes) {
    if (slots.memory.byteSize() < bytes) {
      slots.arena.close();
      slots = new Slots(bytes);
    }
    return slots.memory;
  }

  synchronized void step(Binding binding) {
    binding.refresh();
    if (binding.threads() == 1) {
      binding.run(sync, 0);
    } else {
      sync.fill((byte) 0);
      team.run(thread -> binding.run(sync, thread));
    }
    long check = sync.get(JAVA_LONG, StepMemory.CHECK);
    boolean index = sync.get(JAVA_LONG, StepMemory.FAULT) != 0;
    if (check != 0 || index) {
      sync.fill((byte) 0);
      reset();
      if (check != 0) {
        throw new InvalidInputException(binding.program().faults().get((int) check - 1));
      }
      throw new InvalidInputException("an index in the inputs, such as a token id or position, is outside its table; "
          + "check the inputs against the model's vocabulary and context");
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    team.close();
    loader.close();
    if (copy != null) {
      copy.close();
    }
    bindings.values().forEach(Binding::close);
    release();
  }

  private void release() {
    variants.forEach(v -> v.code().close());
    slots.arena.close();
    arena.close();
  }
}
