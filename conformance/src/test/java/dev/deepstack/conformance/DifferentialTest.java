package dev.deepstack.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.deepstack.codegen.llvm.CpuTarget;
import dev.deepstack.passes.Pipeline;
import dev.deepstack.reference.Interpreter;
import dev.deepstack.tensor.HostTensor;
import java.util.Map;
import java.util.Objects;
import java.util.SequencedMap;
import org.junit.jupiter.api.Test;

/// Random graphs on the interpreter, and through passes and code generation: `-Dseeds=N` runs more of them.
final class DifferentialTest {
  private static final int SEEDS = Integer.getInteger("seeds", 60);

  @Test
  void randomGraphsAgree() {
    for (int seed = 0; seed < SEEDS; seed++) {
      OpSamples.Sample sample = RandomGraphs.next(seed);
      var expected = reference(sample);
      var cpu = seed % 2 == 0 ? CpuTarget.host() : CpuTarget.avx2();
      var actual = NativeRun.run(Pipeline.standard().run(sample.graph()), cpu, 1 + seed / 2 % 2, sample.inputs(),
          Map.of(), sample.weights()).results();
      for (var e : expected.entrySet()) {
        assertClose(seed, sample, e.getValue(), Objects.requireNonNull(actual.get(e.getKey())));
      }
    }
  }

  /// The comparison notices a wrong element.
  @Test
  void aPlantedErrorIsFound() {
    OpSamples.Sample sample = RandomGraphs.next(1);
    HostTensor right = reference(sample).firstEntry().getValue();
    HostTensor wrong = HostTensor.zeros(right.dtype(), right.shape());
    wrong.data().copyFrom(right.data());
    wrong.setDouble(wrong.elements() - 1, right.getDouble(right.elements() - 1) + 1);
    org.assertj.core.api.Assertions.assertThatThrownBy(() -> assertClose(1, sample, right, wrong))
        .isInstanceOf(AssertionError.class);
  }

  private static SequencedMap<String, HostTensor> reference(OpSamples.Sample sample) {
    return Interpreter.run(sample.graph(), sample.inputs(), Map.of(),
        n -> Objects.requireNonNull(sample.weights().get(n))).results();
  }

  private static void assertClose(int seed, OpSamples.Sample sample, HostTensor expected, HostTensor actual) {
    assertThat(actual.type()).isEqualTo(expected.type());
    for (long i = 0; i < expected.elements(); i++) {
      double e = expected.getDouble(i);
      double a = actual.getDouble(i);
      boolean same = e == a || Double.isNaN(e) && Double.isNaN(a);
      assertThat(same || Math.abs(e - a) <= sample.atol() + sample.rtol() * Math.abs(e))
          .as("seed %d, element %d: expected %s, got %s%n%s", seed, i, e, a, sample.graph()).isTrue();
    }
  }
}
