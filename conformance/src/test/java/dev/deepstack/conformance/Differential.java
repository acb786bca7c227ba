package dev.deepstack.conformance;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.conformance.OpSamples.Sample;
import dev.deepstack.ir.Graph;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.HostTensor;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/// What a graph means against what is made of it.
///
/// @param passes between the graph and code generation
record Differential(UnaryOperator<Graph> passes, CpuTarget cpu, int threads) {
  /// What went wrong.
  ///
  /// @param kind the same for failures that are probably one bug
  record Failure(String kind, String text) {}

  /// Null when both agree.
  @Nullable Failure check(Sample sample) {
    var expected = reference(sample);
    SequencedMap<String, HostTensor> actual;
    try {
      actual = NativeRun.run(passes.apply(sample.graph()), cpu, threads, sample.inputs(), Map.of(), sample.weights())
          .results();
    } catch (RuntimeException e) {
      return new Failure(e.getClass().getSimpleName(), e.toString());
    }
    for (var e : expected.entrySet()) {
      String difference = difference(sample, e.getValue(), Objects.requireNonNull(actual.get(e.getKey())));
      if (difference != null) {
        return new Failure("difference", e.getKey() + " " + difference);
      }
    }
    return null;
  }

  /// @throws RuntimeException when the graph has no meaning
  static SequencedMap<String, HostTensor> reference(Sample sample) {
    return Interpreter.run(sample.graph(), sample.inputs(), Map.of(),
        n -> Objects.requireNonNull(sample.weights().get(n))).results();
  }

  /// The first element that is not as it should be, or null.
  static @Nullable String difference(Sample sample, HostTensor expected, HostTensor actual) {
    if (!actual.type().equals(expected.type())) {
      return "has type " + actual.type() + ", not " + expected.type();
    }
    for (long i = 0; i < expected.elements(); i++) {
      double e = expected.getDouble(i);
      double a = actual.getDouble(i);
      boolean same = e == a || Double.isNaN(e) && Double.isNaN(a);
      if (!same && !(Math.abs(e - a) <= sample.atol() + sample.rtol() * Math.abs(e))) {
        return "element " + i + ": expected " + e + ", got " + a;
      }
    }
    return null;
  }
}
