package dev.deepstack.codegen.tile;

import dev.deepstack.ir.Value;
import dev.deepstack.tensor.Dim;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/// What a program does in turn: kernels, and the control flow around them.
public sealed interface Step {
  /// Buffers it reads, in a fixed order.
  List<Integer> reads();

  /// Buffers it writes.
  List<Integer> writes();

  /// One kernel.
  ///
  /// @param memory where the values lie that the kernel names
  /// @param work multiply-adds, roughly
  /// @param bytes read and written, roughly
  record Run(
      Kernel kernel, Map<Value, Operand> memory, String note, List<Integer> reads, List<Integer> writes, Dim work,
      Dim bytes) implements Step {}

  /// Steps that happen only when a bool scalar is what it should be.
  record When(Operand condition, boolean when, List<Step> steps) implements Step {
    @Override
    public List<Integer> reads() {
      return with(condition, Step.reads(steps));
    }

    @Override
    public List<Integer> writes() {
      return Step.writes(steps);
    }
  }

  /// Steps that happen again and again; `counter` is 0 the first time.
  ///
  /// @param trips how often; null for as long as `condition`, looked at before each time, holds
  /// @param locals buffers that hold nothing from one time to the next
  record Repeat(
      String counter, @Nullable Dim trips, @Nullable Operand condition, List<Step> steps, Set<Integer> locals)
      implements Step {
    @Override
    public List<Integer> reads() {
      return condition == null ? Step.reads(steps) : with(condition, Step.reads(steps));
    }

    @Override
    public List<Integer> writes() {
      return Step.writes(steps);
    }
  }

  /// A symbol takes its value from an i64 scalar.
  ///
  /// @param least the smallest value it may have; below 0 only for a number that is no size
  /// @param greatest the largest value that memory is planned for
  /// @param fault number of the sentence for a value that is smaller or larger
  record Bind(String symbol, Operand value, long least, Dim greatest, int fault) implements Step {
    @Override
    public List<Integer> reads() {
      return List.of(value.buffer());
    }

    @Override
    public List<Integer> writes() {
      return List.of();
    }
  }

  /// The program ends unless a bool scalar is true.
  ///
  /// @param fault number of the sentence to say then
  record Check(Operand condition, int fault) implements Step {
    @Override
    public List<Integer> reads() {
      return List.of(condition.buffer());
    }

    @Override
    public List<Integer> writes() {
      return List.of();
    }
  }

  private static List<Integer> with(Operand first, List<Integer> rest) {
    var all = new LinkedHashSet<Integer>(rest);
    all.add(first.buffer());
    return List.copyOf(all);
  }

  private static List<Integer> reads(List<Step> steps) {
    return steps.stream().flatMap(s -> s.reads().stream()).distinct().toList();
  }

  private static List<Integer> writes(List<Step> steps) {
    return steps.stream().flatMap(s -> s.writes().stream()).distinct().toList();
  }
}
