package dev.deepstack.cli.bench;

import dev.deepstack.codegen.llvm.ClockedProgram;
import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.codegen.llvm.LlvmCodegen;
import dev.deepstack.importer.ImportedModel;
import dev.deepstack.importer.Pt2Importer;
import dev.deepstack.ir.Graph;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.program.Port;
import dev.deepstack.program.Program;
import dev.deepstack.program.code.ObjectCache;
import dev.deepstack.runtime.Binding;
import dev.deepstack.runtime.Executable;
import dev.deepstack.tensor.DimRange;
import dev.deepstack.tensor.HostTensor;
import dev.deepstack.tensor.InvalidInputException;
import dev.deepstack.tensor.StridedTensor;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SequencedMap;
import java.util.TreeSet;
import java.util.function.Consumer;

/// Measures the kernels of a `.pt2` file within its step: the program once as it is, and once with a clock.
public final class Profiler {
  private static final long USUAL_SIZE = 64;
  private static final int REPEATS_MIN = 5;
  private static final int REPEATS_MAX = 1000;
  private static final long NANOS_MAX = 1_000_000_000L;

  private final CpuTarget cpu;
  private final int threads;
  private final ObjectCache cache;
  private final Consumer<String> progress;

  /// @param threads that may work together
  /// @param cache of compiled code
  public Profiler(CpuTarget cpu, int threads, ObjectCache cache, Consumer<String> progress) {
    this.cpu = cpu;
    this.threads = threads;
    this.cache = cache;
    this.progress = progress;
  }

  /// @param sizes values of symbols, for those that shall not have the usual one
  /// @param given inputs by name; random ones take the place of those that are missing
  /// @throws InvalidInputException when the sizes or inputs do not fit the model
  public Profile run(Path file, Map<String, Long> sizes, Map<String, HostTensor> given) {
    try (Arena arena = Arena.ofShared()) {
      progress.accept("reading " + file.getFileName());
      ImportedModel model = Pt2Importer.read(file, arena);
      Graph graph = Pipeline.standard().run(model.graph());
      progress.accept("compiling for " + cpu.name());
      Program program = LlvmCodegen.compile(graph, cpu, cache);
      ClockedProgram clocked = LlvmCodegen.clocked(graph, cpu, cache);
      SequencedMap<String, HostTensor> inputs = inputs(program, values(program, sizes, given), given);
      progress.accept("measuring");
      try (Executable plain = open(program, model)) {
        Binding binding = bind(plain, inputs, given);
        double[] steps = steps(binding, _ -> {});
        try (Executable timed = open(clocked.program(), model)) {
          return profile(model.graph(), graph, clocked, median(steps), bind(timed, inputs, given), plain.threads());
        }
      }
    }
  }

  private Executable open(Program program, ImportedModel model) {
    return Executable.open(List.of(program), name -> weight(model, name), model.states(), threads);
  }

  private static StridedTensor weight(ImportedModel model, String name) {
    return java.util.Objects.requireNonNull(model.weights().get(name));
  }

  private Profile profile(
      Graph imported, Graph graph, ClockedProgram clocked, double step, Binding binding, int available) {
    int kernels = clocked.program().kernels().size();
    HostTensor cycles = binding.result(clocked.program().results().size() - 1);
    var each = new ArrayList<double[]>();
    double[] steps = steps(binding, seconds -> {
      var row = new double[kernels];
      // The step's own cycles and seconds say how long a cycle of the counter is.
      double cycle = seconds / Math.max(1, cycles.getLong(kernels));
      for (int i = 0; i < kernels; i++) {
        row[i] = cycles.getLong(i) * cycle;
      }
      each.add(row);
    });
    double bandwidth = ReadBandwidth.measure(available);
    double peak = MultiplyPeak.measure(available);
    var sizes = new HashMap<>(binding.symbols());
    sizes.put(Program.THREADS, (long) available);
    var rows = new ArrayList<Profile.Row>();
    for (int i = 0; i < kernels; i++) {
      int at = i;
      Program.KernelInfo kernel = clocked.program().kernels().get(i);
      rows.add(new Profile.Row(kernel, median(each.stream().mapToDouble(r -> r[at]).toArray()),
          kernel.bytes().evaluate(sizes), 2.0 * kernel.work().evaluate(sizes)));
    }
    return new Profile(imported, graph, clocked, binding.symbols(), available, step, median(steps), steps.length,
        bandwidth, peak, rows);
  }

  private interface Taken {
    void step(double seconds);
  }

  /// Seconds of each of some steps, after a few that nobody looks at.
  private static double[] steps(Binding binding, Taken taken) {
    for (int i = 0; i < REPEATS_MIN; i++) {
      binding.step();
    }
    var seconds = new ArrayList<Double>();
    long begin = System.nanoTime();
    while (seconds.size() < REPEATS_MIN
        || seconds.size() < REPEATS_MAX && System.nanoTime() - begin < NANOS_MAX) {
      long start = System.nanoTime();
      binding.step();
      seconds.add((System.nanoTime() - start) / 1e9);
      taken.step(seconds.getLast());
    }
    return seconds.stream().mapToDouble(Double::doubleValue).toArray();
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return sorted[sorted.length / 2];
  }

  /// The usual size for what is not given, or the nearest one that may be.
  private static Map<String, Long> values(
      Program program, Map<String, Long> sizes, Map<String, HostTensor> given) {
    var unknown = new TreeSet<>(sizes.keySet());
    unknown.removeAll(program.symbols().keySet());
    if (!unknown.isEmpty()) {
      throw new InvalidInputException("the model has no size " + String.join(", ", unknown) + "; its sizes are "
          + String.join(", ", program.symbols().keySet()));
    }
    var values = new HashMap<String, Long>();
    program.symbols().forEach((symbol, range) -> values.put(symbol, usual(symbol, range, sizes)));
    program.inputs().forEach(p -> {
      HostTensor tensor = given.get(p.name());
      if (tensor != null && tensor.shape().length == p.type().rank()) {
        for (int i = 0; i < tensor.shape().length; i++) {
          String symbol = p.type().dim(i).toString();
          if (values.containsKey(symbol)) {
            values.put(symbol, tensor.shape()[i]);
          }
        }
      }
    });
    return values;
  }

  private static long usual(String symbol, DimRange range, Map<String, Long> sizes) {
    Long asked = sizes.get(symbol);
    if (asked != null && !range.contains(asked)) {
      throw new InvalidInputException("the size " + symbol + " is from " + range.min()
          + (range.isBounded() ? " to " + range.max() : " on") + ", not " + asked);
    }
    return asked != null ? asked : Math.max(range.min(), Math.min(range.max(), USUAL_SIZE));
  }

  /// Small random floats, and ones.
  private static SequencedMap<String, HostTensor> inputs(
      Program program, Map<String, Long> values, Map<String, HostTensor> given) {
    var random = new Random(1);
    var inputs = new LinkedHashMap<String, HostTensor>();
    for (Port port : program.inputs()) {
      HostTensor tensor = given.get(port.name());
      if (tensor == null) {
        tensor = HostTensor.zeros(port.type().dtype(), port.type().shape().evaluate(values));
        for (long i = 0; i < tensor.elements(); i++) {
          tensor.setDouble(i, port.type().dtype().isFloat() ? random.nextDouble() * 2 - 1 : 1);
        }
      }
      inputs.put(port.name(), tensor);
    }
    return inputs;
  }

  /// Bound and filled; where ones are no indices, zeros are.
  private static Binding bind(
      Executable executable, Map<String, HostTensor> inputs, Map<String, HostTensor> given) {
    Binding binding = executable.bind(inputs);
    fill(binding, inputs, given, false);
    try {
      binding.step();
    } catch (InvalidInputException e) {
      fill(binding, inputs, given, true);
      binding.step();
    }
    return binding;
  }

  private static void fill(
      Binding binding, Map<String, HostTensor> inputs, Map<String, HostTensor> given, boolean zeros) {
    for (int i = 0; i < binding.program().inputs().size(); i++) {
      Port port = binding.program().inputs().get(i);
      HostTensor tensor = java.util.Objects.requireNonNull(inputs.get(port.name()));
      if (zeros && !given.containsKey(port.name()) && !port.type().dtype().isFloat()) {
        binding.input(i).data().fill((byte) 0);
      } else {
        binding.input(i).data().copyFrom(tensor.data());
      }
    }
  }
}
