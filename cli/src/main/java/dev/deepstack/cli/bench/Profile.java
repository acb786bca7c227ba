package dev.deepstack.cli.bench;

import dev.deepstack.codegen.llvm.ClockedProgram;
import dev.deepstack.ir.Graph;
import dev.deepstack.program.Program;
import dev.deepstack.program.Program.KernelInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/// How long the kernels of a model take, beside what the machine allows.
///
/// @param imported the graph as imported
/// @param graph after the passes
/// @param clocked the program that was measured
/// @param sizes values of its symbols
/// @param threads of a step
/// @param step seconds of a step as it is compiled for use, the median
/// @param clockedStep the same with a clock and a barrier at each kernel
/// @param repeats that the medians are of
/// @param bandwidth bytes that memory gives per second, measured beside
/// @param peak floating-point operations per second, measured beside
/// @param kernels in their order
public record Profile(
    Graph imported, Graph graph, ClockedProgram clocked, Map<String, Long> sizes, int threads, double step,
    double clockedStep, int repeats, double bandwidth, double peak, List<Row> kernels) {
  /// A kernel below this limit has hardly anything to do.
  private static final double LEAST_SECONDS = 0.5e-6;

  /// One kernel.
  ///
  /// @param seconds in a step, the median; all its runs in a step where it stands in a loop
  /// @param bytes read and written, roughly
  /// @param flops roughly, a multiply-add being two
  public record Row(KernelInfo kernel, double seconds, double bytes, double flops) {}

  /// What keeps a kernel from being faster.
  public enum Bound { MEMORY, ARITHMETIC, CALL }

  /// Kernels of one native function, together.
  public record Group(String function, List<Row> rows) {
    public double seconds() {
      return rows.stream().mapToDouble(Row::seconds).sum();
    }

    public double bytes() {
      return rows.stream().mapToDouble(Row::bytes).sum();
    }

    public double flops() {
      return rows.stream().mapToDouble(Row::flops).sum();
    }

    public KernelInfo first() {
      return rows.getFirst().kernel();
    }
  }

  public Profile {
    sizes = Map.copyOf(sizes);
    kernels = List.copyOf(kernels);
  }

  public Program program() {
    return clocked.program();
  }

  /// Kernels that share a function, those that take the most time first.
  public List<Group> groups() {
    var groups = new LinkedHashMap<String, List<Row>>();
    kernels.forEach(k -> groups.computeIfAbsent(k.kernel().function(), _ -> new ArrayList<>()).add(k));
    return groups.entrySet().stream().map(e -> new Group(e.getKey(), List.copyOf(e.getValue())))
        .sorted(Comparator.comparingDouble(Group::seconds).reversed()).toList();
  }

  /// Seconds of all kernels.
  public double total() {
    return kernels.stream().mapToDouble(Row::seconds).sum();
  }

  /// What binds work of this size.
  ///
  /// @param times how many kernels share it
  public Bound bound(double bytes, double flops, int times) {
    if (limit(bytes, flops) < LEAST_SECONDS * times) {
      return Bound.CALL;
    }
    return bytes / bandwidth >= flops / peak ? Bound.MEMORY : Bound.ARITHMETIC;
  }

  /// The seconds that work of this size takes at best when its memory is in no cache.
  public double limit(double bytes, double flops) {
    return Math.max(bytes / bandwidth, flops / peak);
  }
}
