package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.ir.Graph;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.DType;
import dev.deepstack.tensor.HostTensor;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// Generated code against the interpreter, on every sample of every op. Samples take turns with the two vector widths
/// and with one and two threads, so that each op meets all four.
final class NativeOpSamplesTest {
  static Stream<OpSamples.Sample> samples() {
    return OpSamples.all().filter(s -> isStored(s.graph()));
  }

  /// Results in 8-bit floats have no stores yet, and say so when compiled.
  private static boolean isStored(Graph graph) {
    return graph.outputs().stream().map(o -> o.value().type().dtype())
        .noneMatch(d -> d == DType.F8E4M3 || d == DType.F8E5M2);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("samples")
  void agreesWithTheInterpreter(OpSamples.Sample sample) {
    int turn = Math.floorMod(sample.name().hashCode(), 4);
    CpuTarget cpu = turn % 2 == 0 ? CpuTarget.host() : CpuTarget.avx2();
    var expected = Interpreter.run(sample.graph(), sample.inputs(), Map.of(),
        n -> Objects.requireNonNull(sample.weights().get(n))).results();
    var actual = NativeRun.run(sample.graph(), cpu, 1 + turn / 2, sample.inputs(), Map.of(), sample.weights())
        .results();
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach((name, e) -> assertClose(sample, name, e, Objects.requireNonNull(actual.get(name))));
  }

  private static void assertClose(OpSamples.Sample sample, String name, HostTensor expected, HostTensor actual) {
    assertThat(actual.type()).isEqualTo(expected.type());
    for (long i = 0; i < expected.elements(); i++) {
      double e = expected.getDouble(i);
      double a = actual.getDouble(i);
      boolean same = e == a || Double.isNaN(e) && Double.isNaN(a);
      assertThat(same || Math.abs(e - a) <= sample.atol() + sample.rtol() * Math.abs(e))
          .as("%s, %s[%d]: expected %s, got %s", sample.name(), name, i, e, a).isTrue();
    }
  }
}
